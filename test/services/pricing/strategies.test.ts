import { readFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import { type Case, ScriptFailure } from '#services/pricing/scripts/contract.ts';
import { scriptLimits } from '#services/pricing/scripts/limits.ts';
import { createScriptsInPlace } from '#services/pricing/scripts/scripts-in-place.ts';

const scripts = await createScriptsInPlace();
const shipped = (name: string) => {
  const source = readFileSync(`services/pricing/strategies/${name}.js`, 'utf8');
  return { source, version: scripts.versionOf(source) };
};
const NAMES = ['buy-one-get-one', 'fixed-price-from', 'fraction-from', 'fraction-of-unit-from'] as const;
const strategies = Object.fromEntries(NAMES.map((name) => [name, shipped(name)]));
const amountOf = async (name: string, line: Case): Promise<number> =>
  (await scripts.call(strategies[name]!, [line]))[0]!;

/** The demo supermarkets: price in minor units and strategy; MF1 is plain. */
const DEMO = {
  GR1: { price: 311, strategy: 'buy-one-get-one' },
  SR1: { price: 500, strategy: 'fixed-price-from' },
  CF1: { price: 1123, strategy: 'fraction-from' },
  MF1: { price: 500, strategy: undefined },
} as const;

/** Each total computed by hand, beside it how. */
const BASKETS: readonly (readonly [string, number])[] = [
  ['', 0],
  ['GR1', 311],
  ['GR1 GR1', 311],
  ['GR1 GR1 GR1', 622],
  ['MF1 MF1 MF1', 1500],
  ['SR1 SR1', 1000],
  ['SR1 SR1 SR1', 1350],
  ['CF1 CF1', 2246],
  ['CF1 CF1 CF1', 2246], // 3 x 1123 x 2 / 3
  ['CF1 CF1 CF1 CF1', 2995], // 2994.67
  ['GR1 SR1 GR1 GR1 CF1', 2245], // 622 + 500 + 1123
  ['SR1 SR1 GR1 SR1', 1661], // 1350 + 311
  ['GR1 CF1 SR1 CF1 CF1', 3057], // 311 + 2246 + 500
  ['MF1 GR1 SR1 CF1 GR1', 2434], // 500 + 311 + 500 + 1123
];

test('the known baskets have the totals that are computed by hand', async (t) => {
  for (const [basket, total] of BASKETS) {
    const codes = basket.split(' ').filter((code): code is keyof typeof DEMO => code !== '');
    let sum = 0;
    for (const code of new Set(codes)) {
      const { price, strategy } = DEMO[code];
      const quantity = codes.filter((each) => each === code).length;
      sum += strategy === undefined ? quantity * price : await amountOf(strategy, { quantity, price });
    }
    t.is(sum, total, basket);
  }
});

const roundHalfUp = (numerator: bigint, denominator: bigint): bigint =>
  (2n * numerator + denominator) / (2n * denominator);
const MODELS: Readonly<Record<(typeof NAMES)[number], (quantity: bigint, price: bigint) => bigint>> = {
  'buy-one-get-one': (quantity, price) => (quantity - quantity / 2n) * price,
  'fixed-price-from': (quantity, price) => quantity * (quantity < 3n ? price : 450n),
  'fraction-from': (quantity, price) => (quantity < 3n ? quantity * price : roundHalfUp(2n * quantity * price, 3n)),
  'fraction-of-unit-from': (quantity, price) => quantity * (quantity < 3n ? price : roundHalfUp(2n * price, 3n)),
};
const lines = fc.tuple(fc.nat({ max: 1_000_000 }), fc.nat({ max: scriptLimits.amount })).map(([quantity, price]) => ({
  quantity,
  price: quantity < 2 ? price : price % Math.floor(scriptLimits.amount / quantity),
}));

test('each shipped strategy is exact up to the largest amount, or refused', async (t) => {
  for (const name of NAMES)
    await fc.assert(
      fc.asyncProperty(lines, async (line) => {
        const exact = MODELS[name](BigInt(line.quantity), BigInt(line.price));
        const seen = await amountOf(name, line).catch((error: unknown) => error);
        if (exact > BigInt(scriptLimits.amount)) return seen instanceof ScriptFailure && seen.did === 'result';
        return seen === Number(exact);
      }),
      { numRuns: 300 },
    );
  t.pass();
});

test('a line of which quantity times price is above the largest amount is refused before a script sees it', async (t) => {
  const failure = await t.throwsAsync(amountOf('buy-one-get-one', { quantity: 1_000_000, price: 1_000_001 }), {
    instanceOf: ScriptFailure,
  });
  t.is(failure.did, 'result');
});

const round = async (numerator: string, denominator: string): Promise<number | string> => {
  // An amount is never negative, so that a half is seen from above.
  const source = `export default ({ round }) => 1_000 + round(${numerator}, ${denominator});`;
  const call = scripts.call({ source, version: scripts.versionOf(source) }, [{ quantity: 1, price: 1 }]);
  return call.then(
    ([amount]) => amount! - 1_000,
    (error: unknown) => (error as ScriptFailure).did,
  );
};

test('round is half up and exact, beyond 2^53 with BigInt, or it refuses', async (t) => {
  t.is(await round('5', '2'), 3);
  t.is(await round('-5', '2'), -2);
  t.is(await round('7', '3'), 2);
  t.is(await round('8', '3'), 3);
  t.is(await round('0', '7'), 0);
  t.is(await round('9_007_199_254_740_991', '9_007_199_254_740_990'), 1);
  t.is(await round('13_510_798_882_111_488n', '9_007_199_254_740_993n'), 1, 'just under one and a half');
  t.is(await round('13_510_798_882_111_490n', '9_007_199_254_740_993n'), 2, 'just over it');
  for (const [numerator, denominator] of [
    ['2 ** 53', '3'],
    ['0.5', '1'],
    ['1', '0'],
    ['1', '-2'],
    ["'5'", '2'],
    ['1n', '0.5'],
    ['10n ** 40n', '1n'],
  ] as const)
    t.is(await round(numerator, denominator), 'threw', `${numerator} / ${denominator}`);
});

test('rounding a fraction half up is the same for numbers, BigInt and the model', async (t) => {
  const source = `export default ({ quantity, price, round }) =>
    round(quantity, price + 1) === round(BigInt(quantity), BigInt(price + 1)) ? round(quantity, price + 1) : -1;`;
  const strategy = { source, version: scripts.versionOf(source) };
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: 1_000_000 }), fc.nat({ max: 1_000 }), async (quantity, price) => {
      const [amount] = await scripts.call(strategy, [{ quantity, price }]);
      return amount === Number(roundHalfUp(BigInt(quantity), BigInt(price + 1)));
    }),
    { numRuns: 300 },
  );
  t.pass();
});
