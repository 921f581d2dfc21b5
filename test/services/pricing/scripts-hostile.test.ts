import test from 'ava';
import { ScriptFailure, type ScriptFault } from '#services/pricing/scripts/contract.ts';
import { LEFT_GLOBALS } from '#services/pricing/scripts/realm-setup.ts';
import { createScripts } from '#services/pricing/scripts/scripts.ts';

// Long enough to eat all memory on a busy machine.
const scripts = createScripts({ limits: { callMs: 300 } });
test.after.always(() => scripts.close());

const asked = (source: string, quantity = 1) =>
  scripts.call({ source, version: scripts.versionOf(source) }, [{ quantity, price: 100 }]);
const HONEST = 'export default ({ quantity, price }) => quantity * price;';

/** What a source does when it is called, whatever a dry run would have said. */
async function didOf(source: string): Promise<ScriptFault | number> {
  try {
    return (await asked(source))[0]!;
  } catch (error) {
    if (error instanceof ScriptFailure) return error.did;
    throw error;
  }
}

const answers = (expression: string): string => `export default () => ${expression};`;
const does = (statements: string): string => `export default () => { ${statements} };`;

const HOSTILE: readonly (readonly [string, string, ScriptFault])[] = [
  ['constructor chain', answers("({}).constructor.constructor('return process')()"), 'threw'],
  ['function constructor', answers("(() => {}).constructor('return 1')()"), 'threw'],
  ['async function constructor', 'export default async () => 1;', 'threw'],
  ['constructor of a method', answers("[].map.constructor('return 1')()"), 'threw'],
  ['eval', answers("eval('1')"), 'threw'],
  ['indirect eval', answers("(0, eval)('1')"), 'threw'],
  ['import', "import fs from 'node:fs'; export default () => 1;", 'threw'],
  ['dynamic import', answers("import('node:fs')"), 'threw'],
  ['import.meta', answers('import.meta.url.length'), 'threw'],
  ['require', answers("require('node:fs').length"), 'threw'],
  ['the global object', answers('globalThis.process.pid'), 'threw'],
  ['this of a function', answers('(function () { return this.process.pid; })()'), 'threw'],
  ['clock', answers('Date.now()'), 'threw'],
  ['randomness', answers('Math.random()'), 'threw'],
  ['Proxy', answers('new Proxy({}, {})'), 'threw'],
  ['Reflect', answers('Reflect.ownKeys({}).length'), 'threw'],
  ['WeakRef', answers('new WeakRef({}).deref()'), 'threw'],
  ['FinalizationRegistry', answers('new FinalizationRegistry(() => {})'), 'threw'],
  ['SharedArrayBuffer', answers('new SharedArrayBuffer(8).byteLength'), 'threw'],
  ['Atomics.wait', answers('Atomics.wait(new Int32Array(4), 0, 0, 1e9)'), 'threw'],
  ['ArrayBuffer of 1 GB', answers('new ArrayBuffer(2 ** 30).byteLength'), 'threw'],
  ['generator', 'export default function* () { yield 1; }', 'threw'],
  ['a method that is a generator', answers('({ *a() {} }).a()'), 'threw'],
  ['regex catastrophe', answers("/^(a+)+$/.test('a'.repeat(40) + 'b') ? 1 : 2"), 'threw'],
  ['regex from text', answers("'a'.repeat(40).match('^(a+)+b$').length"), 'threw'],
  ['try around a loop', does('try { for (;;); } catch { return 1; } finally { return 2; }'), 'threw'],
  ['comment of the web that hides code', 'export default () => 1; <!-- ` \n async () => {}; // `', 'threw'],
  ['text that leaves the function', 'export default () => 1; }); (function () {', 'threw'],
  ['arguments.callee', answers('(function () { return arguments.callee; })()'), 'threw'],
  ['prototype pollution', does('Object.prototype.polluted = 1; return 1;'), 'threw'],
  ['pollution by __proto__', does('({}).__proto__.polluted = 1; return 1;'), 'threw'],
  ['pollution by a setter', does('Object.defineProperty(Array.prototype, 0, { set() {} }); return 1;'), 'threw'],
  ['a method replaced', does('Array.prototype.push = () => 1; return 1;'), 'threw'],
  ['Math replaced', does('Math.floor = () => 1; return 1;'), 'threw'],
  ['a name of its own in the global scope', does('polluted = 1; return 1;'), 'threw'],
  ['round changed', 'export default ({ round }) => { round.n = 1; return 1; };', 'threw'],
  ['iterators changed', does('[].values().__proto__.next = () => 1; return 1;'), 'threw'],
  ['what a getter leads to', does('[].values().__proto__.__proto__.constructor.n = 1; return 1;'), 'threw'],
  ['errors changed', does('Error.prepareStackTrace = () => 1; return 1;'), 'threw'],
  ['a template changed', does('((parts) => { parts.n = 1; })`a`; return 1;'), 'threw'],
  ['Symbol registry', does("Symbol.for('a'); return 1;"), 'threw'],
  ['an error with a getter that loops', does('throw { get message() { for (;;); } };'), 'threw'],
  ['a message of a megabyte', does("throw new Error('x'.repeat(1_000_000));"), 'threw'],
  ['null thrown', does('throw null;'), 'memory'],
  ['a symbol thrown', does('throw Symbol.iterator;'), 'threw'],
  ['a class', 'export default class { constructor() {} }', 'threw'],
  ['no function', 'export default 5;', 'result'],
  ['nothing', does(''), 'result'],
  ['something that can be awaited', answers('({ then: (done) => done(1) })'), 'result'],
  ['something with a value', answers('({ valueOf: () => 1 })'), 'result'],
  ['NaN', answers('0 / 0'), 'result'],
  ['Infinity', answers('1 / 0'), 'result'],
  ['a fraction', answers('0.5'), 'result'],
  ['a negative amount', answers('-1'), 'result'],
  ['too large an amount', answers('1_000_000_000_001'), 'result'],
  ['text', answers("'100'"), 'result'],
  ['BigInt', answers('100n'), 'result'],
  ['1e9 rounds', does('let n = 0; for (let i = 0; i < 1e9; i += 1) n += 1; return n;'), 'looped'],
  ['for ever', does('for (;;);'), 'looped'],
  ['labels', does('outer: for (;;) { for (;;) continue outer; }'), 'looped'],
  ['for ever before it exports', 'for (;;); export default () => 1;', 'looped'],
  ['a conversion that loops', answers('1 + { valueOf() { for (;;); } }'), 'looped'],
  ['a comparison that loops', answers('[1, 2].sort(() => { for (;;); }).length'), 'looped'],
  [
    'an iterator without end',
    does('for (const n of { [Symbol.iterator]: () => ({ next: () => ({}) }) }); return 1;'),
    'looped',
  ],
  ['a loop inside of the engine', answers('[].indexOf.call({ length: 2 ** 53 - 1 }, 1)'), 'looped'],
  ['deep recursion', 'export default function deep(line) { return deep(line) + 1; }', 'stack'],
  ['recursion through a getter', does('const o = { get a() { return this.a; } }; return o.a;'), 'stack'],
  ['JSON', answers("JSON.parse('1')"), 'threw'],
  [
    'recursion through flat',
    does('let a = []; for (let n = 0; n < 10_000; n += 1) a = [a]; return a.flat(Infinity).length;'),
    'stack',
  ],
  [
    'a chain of objects that is let go',
    does('let a = null; for (let n = 0; n < 20_000; n += 1) a = { a }; return null;'),
    'result',
  ],
  [
    'a chain of closures that is let go',
    does('let a = () => 1; for (let n = 0; n < 5_000; n += 1) { const b = a; a = () => b; } return null;'),
    'result',
  ],
  [
    'recursion through text',
    does('let a = []; for (let n = 0; n < 10_000; n += 1) a = [a]; return String(a).length;'),
    'stack',
  ],
  ['objects without end', does('const all = []; for (;;) all.push({});'), 'memory'],
  ['text that doubles', does("let text = 'xx'; for (;;) text += text;"), 'threw'],
  ['huge text', answers("'x'.repeat(2 ** 29).length"), 'memory'],
  ['huge padding', answers("'x'.padEnd(2 ** 29).length"), 'memory'],
  ['a filled array', answers('new Array(2 ** 31).fill(1).length'), 'memory'],
  ['a map without end', does('const map = new Map(); for (let n = 0; ; n += 1) map.set(n, {});'), 'memory'],
];

test.serial('what is hostile fails its own call, and the next call is unharmed', async (t) => {
  for (const [title, source, did] of HOSTILE) {
    t.is(await didOf(source), did, title);
    t.deepEqual(await asked(HONEST, 3), [300], `after: ${title}`);
  }
});

test.serial('hostile scripts leave the memory of the process flat', async (t) => {
  const pass = () =>
    Promise.allSettled(HOSTILE.filter(([, , did]) => did !== 'looped').map(([, source]) => asked(source)));
  await pass();
  const before = process.memoryUsage().rss;
  for (let n = 0; n < 4; n += 1) await pass();
  t.true(process.memoryUsage().rss - before < 64 * 2 ** 20);
});

const KEPT: readonly (readonly [string, string])[] = [
  ['a variable', 'let n = 0; export default () => n++;'],
  ['a map', 'const seen = new Map(); export default () => { seen.set(seen.size, 1); return seen.size; };'],
  ['a property of the function', 'export default function f() { f.n = (f.n ?? 0) + 1; return f.n; }'],
  ['a static field', 'class Count { static n = 0; } export default () => ++Count.n;'],
  ['a closure', 'const next = (() => { let n = 0; return () => n++; })(); export default next;'],
  ['the line itself', 'export default (line) => (line.n = (line.n ?? 0) + 1);'],
];

test.serial('nothing is kept from one call to the next, nor from one line to the next', async (t) => {
  for (const [title, source] of KEPT) {
    const strategy = { source, version: scripts.versionOf(source) };
    const line = { quantity: 2, price: 100 };
    const seen = [...(await scripts.call(strategy, [line, line])), ...(await scripts.call(strategy, [line]))];
    t.is(new Set(seen).size, 1, `${title}: ${seen.join()}`);
  }
});

test.serial('all that a script can reach is frozen', async (t) => {
  const walk = `export default ({ round }) => {
    const seen = new Set();
    const open = [round, Object.getPrototypeOf([][Symbol.iterator]()), Object.getPrototypeOf(new Map().keys()),
      Object.getPrototypeOf(new Set().keys()), Object.getPrototypeOf(''[Symbol.iterator]()), Object.getPrototypeOf(() => {}),
      Object.getPrototypeOf([].values().map((x) => x)), [].values().__proto__.__proto__.constructor,
      ${LEFT_GLOBALS.join(', ')}];
    let changeable = 0;
    while (open.length > 0) {
      const thing = open.pop();
      if ((typeof thing !== 'object' && typeof thing !== 'function') || thing === null || seen.has(thing)) continue;
      seen.add(thing);
      if (!Object.isFrozen(thing)) changeable += 1;
      open.push(Object.getPrototypeOf(thing));
      for (const key of [...Object.getOwnPropertyNames(thing), ...Object.getOwnPropertySymbols(thing)]) {
        const { value, get, set } = Object.getOwnPropertyDescriptor(thing, key);
        open.push(value, get, set);
      }
    }
    return seen.size * 1000 + changeable;
  };`;
  const [counted] = await asked(walk);
  t.is(counted! % 1000, 0);
  t.true(counted! > 200_000, 'it saw the intrinsics');
});

test.serial('a script sees the names that are listed and no other', async (t) => {
  const others = [
    'globalThis',
    'process',
    'require',
    'fetch',
    'Date',
    'eval',
    'Function',
    'Promise',
    'Proxy',
    'Reflect',
    'RegExp',
  ];
  others.push(
    'WeakRef',
    'WeakMap',
    'ArrayBuffer',
    'SharedArrayBuffer',
    'Atomics',
    'Float64Array',
    'DataView',
    'Intl',
    'Iterator',
  );
  others.push(
    'setTimeout',
    'queueMicrotask',
    'console',
    'performance',
    'crypto',
    'WebAssembly',
    'print',
    'std',
    'os',
    'InternalError',
  );
  const isKnown = (name: string): string => `(typeof ${name} === 'undefined' ? 0 : 1)`;
  t.deepEqual(await asked(answers(others.map(isKnown).join(' + '))), [0]);
  t.deepEqual(
    await asked(answers(LEFT_GLOBALS.map(isKnown).join(' + '))),
    [LEFT_GLOBALS.length - 1],
    'all but undefined',
  );
});
