import test from 'ava';
import { type Arm, CannotRun, type Sample } from '#bench/arm.ts';
import { takeTurns } from '#bench/turns.ts';
import type { World } from '#bench/world.ts';

const settings = { seconds: 1, inFlight: [1], rates: [1], start: [] };
const world = { say() {} } as unknown as World;

function arm(name: string, run: (round: number) => readonly Sample[], secondary = false): Arm {
  return { name, title: name, group: 'test', secondary, run: async ({ round }) => run(round) };
}

test('arms take turns, forth and back, and each round adds a figure to each case', async (t) => {
  const order: string[] = [];
  const one = (name: string): Arm =>
    arm(name, (round) => (order.push(name), [{ of: 'case', values: { perS: round } }]));
  const [a] = await takeTurns({ arms: [one('a'), one('b')], rounds: 3, settings, world, primaryOnly: false });
  t.deepEqual(order, ['a', 'b', 'b', 'a', 'a', 'b']);
  t.deepEqual(a?.cases, [{ of: 'case', values: { perS: [1, 2, 3] } }]);
  t.is(a?.coresOfOthers.length, 3);
});

test('an arm that cannot run says why, has no more turns, and the others go on', async (t) => {
  let tries = 0;
  const failing = arm('failing', () => {
    tries += 1;
    throw new CannotRun('there is no Redis');
  });
  const fine = arm('fine', () => [{ of: 'case', values: { perS: 1 } }]);
  const [first, second] = await takeTurns({ arms: [failing, fine], rounds: 2, settings, world, primaryOnly: false });
  t.is(tries, 1);
  t.is(first?.cannotRun, 'there is no Redis');
  t.deepEqual(second?.cases[0]?.values['perS'], [1, 1]);
});

test('an arm that fails in a later round keeps what was seen of it, and has its other turns', async (t) => {
  const once = arm('once', (round) => {
    if (round === 2) throw new TypeError('a mail did not arrive');
    return [{ of: 'case', values: { perS: round } }];
  });
  const [result] = await takeTurns({ arms: [once], rounds: 3, settings, world, primaryOnly: false });
  t.deepEqual(result?.cases[0]?.values['perS'], [1, 3]);
  t.is(result?.cannotRun, undefined);
});

test('secondary arms have one round when the others have several', async (t) => {
  const one = (name: string, secondary: boolean): Arm =>
    arm(name, () => [{ of: 'case', values: { perS: 1 } }], secondary);
  const arms = [one('main', false), one('aside', true)];
  const [main, aside] = await takeTurns({ arms, rounds: 3, settings, world, primaryOnly: true });
  t.is(main?.cases[0]?.values['perS']?.length, 3);
  t.is(aside?.cases[0]?.values['perS']?.length, 1);
});
