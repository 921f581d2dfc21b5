/** What a script finds beside its own names; everything else is taken away before it is compiled. */
export const LEFT_GLOBALS: readonly string[] = [
  'undefined',
  'NaN',
  'Infinity',
  'Object',
  'Array',
  'Number',
  'Boolean',
  'String',
  'BigInt',
  'Math',
  'Map',
  'Set',
  'Symbol',
  'parseInt',
  'parseFloat',
  'isNaN',
  'isFinite',
  'Error',
  'TypeError',
  'RangeError',
];

/**
 * Evaluated first in each realm: takes away what is not listed, freezes what is left, and gives what makes a runner of a factory.
 * The numbers cross in one array: the case where it is, then quantity and price of each; an amount replaces its quantity.
 * A runner gives undefined when all went well, else `[did, message, stack]` of the case where it is.
 */
export const REALM_SETUP = `(() => {
  'use strict';
  const left = new Set(${JSON.stringify(LEFT_GLOBALS)});
  const everything = globalThis;
  const { BigInt, Error, InternalError, Math, Number, Object, RangeError, Reflect, String } = everything;
  const { floor } = Math;
  const isSafe = Number.isSafeInteger;
  const { getPrototypeOf, getOwnPropertyDescriptor } = Object;
  const { apply, ownKeys } = Reflect;
  const sourceOf = Function.prototype.toString;
  const { Float64Array } = everything;

  const exact = (value) => {
    if (typeof value === 'bigint') return value;
    if (isSafe(value)) return BigInt(value);
    throw new RangeError('round() takes whole numbers below 2^53, or BigInt');
  };
  const round = (numerator, denominator) => {
    if (typeof numerator === 'number' && typeof denominator === 'number') {
      if (!isSafe(numerator) || !isSafe(denominator))
        throw new RangeError('round() takes whole numbers below 2^53, or BigInt');
      if (denominator <= 0) throw new RangeError('round() divides by a whole number above 0');
      let rest = numerator % denominator;
      if (rest < 0) rest += denominator;
      const whole = (numerator - rest) / denominator;
      if (isSafe(numerator - rest)) return (2 * rest >= denominator ? whole + 1 : whole) + 0;
    }
    const n = exact(numerator);
    const d = exact(denominator);
    if (d <= 0n) throw new RangeError('round() divides by a whole number above 0');
    const twice = 2n * n + d;
    let whole = twice / (2n * d);
    if (twice < 0n && whole * 2n * d !== twice) whole -= 1n;
    const result = Number(whole);
    if (!isSafe(result)) throw new RangeError('the result of round() is above 2^53');
    return result;
  };

  const kinds = { number: 'a number', string: 'text', undefined: 'nothing', boolean: 'true or false', bigint: 'a BigInt', symbol: 'a symbol', function: 'a function' };
  const kindOf = (value) => (value === null ? 'null' : typeof value === 'object' ? 'an object' : kinds[typeof value]);
  const textOf = (value, most) => (typeof value === 'string' ? value.slice(0, most) : '');
  const own = (thing, name) => getOwnPropertyDescriptor(thing, name)?.value;
  const failed = (error) => {
    // Without memory for an error the engine throws null.
    if (error === null) return ['memory', 'it wanted more memory than it may have, or threw null', ''];
    if (typeof error !== 'object') {
      const said = typeof error === 'string' || typeof error === 'number' ? ': ' + textOf(String(error), 200) : '';
      return ['threw', 'it threw ' + kindOf(error) + said, ''];
    }
    const message = textOf(own(error, 'message'), 200);
    const stack = textOf(own(error, 'stack'), 2000);
    if (getPrototypeOf(error) === InternalError.prototype) {
      if (message === 'out of memory') return ['memory', 'it wanted more memory than it may have', stack];
      if (message === 'stack overflow') return ['stack', 'it called itself too deeply', stack];
    }
    const name = textOf(own(getPrototypeOf(error) ?? error, 'name'), 40);
    return ['threw', 'it threw ' + (name === '' ? 'an object' : name) + (message === '' ? '' : ': ' + message), stack];
  };

  const runner = (factory, source) => {
    // A text that ends the function early would run outside of it, and could remember.
    if (typeof factory !== 'function' || apply(sourceOf, factory, []) !== source) return undefined;
    return (buffer) => {
      const numbers = new Float64Array(buffer);
      const many = (numbers.length - 1) / 2;
      try {
        for (let at = 0; at < many; at += 1) {
          numbers[0] = at;
          const strategy = factory();
          if (typeof strategy !== 'function') return ['result', 'its default export is ' + kindOf(strategy) + ', no function', ''];
          const amount = strategy({ quantity: numbers[1 + 2 * at], price: numbers[2 + 2 * at], round });
          if (typeof amount !== 'number') return ['result', 'it gave ' + kindOf(amount) + ' instead of an amount', ''];
          numbers[1 + 2 * at] = amount;
        }
        return undefined;
      } catch (error) {
        return failed(error);
      }
    };
  };

  const all = ownKeys(everything).map((key) => everything[key]);
  const iterators = [
    [][Symbol.iterator](),
    ''[Symbol.iterator](),
    new Map().keys(),
    new Set().keys(),
    [].values().map((x) => x),
    Iterator.from({ next() { return { done: true }; } }),
    Iterator.concat ? Iterator.concat([]) : undefined,
    function* () {}.prototype,
    function* () {},
    async () => {},
    async function* () {},
    async function* () {}.prototype,
    'a'.matchAll(/a/g),
    (function () { return arguments; })(),
  ];
  for (const some of [() => {}, function* () {}, async () => {}, async function* () {}])
    delete getPrototypeOf(some).constructor;
  delete Math.random;
  delete Array.fromAsync;
  delete Symbol.for;
  delete Symbol.keyFor;
  for (const name of ['match', 'matchAll', 'search'])
    delete String.prototype[name];
  for (const key of ownKeys(everything)) if (!left.has(key)) delete everything[key];

  const frozen = new Set();
  const open = [everything, round, ...all, ...iterators];
  while (open.length > 0) {
    const thing = open.pop();
    if ((typeof thing !== 'object' && typeof thing !== 'function') || thing === null || frozen.has(thing)) continue;
    frozen.add(thing);
    open.push(getPrototypeOf(thing));
    for (const key of ownKeys(thing)) {
      const { value, get, set } = getOwnPropertyDescriptor(thing, key);
      open.push(value, get, set);
      // What only a getter leads to is reached by whoever calls it.
      try {
        if (get) open.push(apply(get, thing, []));
      } catch {}
    }
    Object.freeze(thing);
  }
  return runner;
})()`;
