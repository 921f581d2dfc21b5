import test from 'ava';
import fc from 'fast-check';
import { modelOf } from './model.ts';
import {
  decide,
  gateOf,
  initially,
  problemsOf,
  type BreakerState,
  type Decision,
  type Input,
  type Policy,
} from '#services/circuit-breaker/breaker.ts';

const policy = (badCycles: number): Policy => ({ ttlMs: 10_000, delayMs: 2000, cycleMs: 15_000, badCycles });
const EXPIRED: Input = { kind: 'expired' };
const CYCLE: Input = { kind: 'cycle-ended' };
const inputOf = (event: string): Input => (event === 'x' ? EXPIRED : CYCLE);

function run(history: string, badCycles = 3, from: BreakerState = initially) {
  let state = from;
  const decisions: Decision[] = [];
  for (const event of history) {
    const decision = decide(policy(badCycles), state, inputOf(event));
    ({ state } = decision);
    decisions.push(decision);
  }
  const moves = decisions.flatMap(({ transition }) =>
    transition === undefined ? [] : [`${transition.from}->${transition.to}`],
  );
  return { state, moves, decisions };
}

const histories = fc.string({ unit: fc.constantFrom('x', '|'), maxLength: 300 });
const limits = fc.integer({ min: 1, max: 5 });

test('it does what the model does', (t) => {
  fc.assert(
    fc.property(histories, limits, (history, limit) => {
      t.deepEqual(run(history, limit).moves, modelOf(history, limit));
    }),
    { numRuns: 2000 },
  );
});

test('only declared transitions, never from open to closed', (t) => {
  const declared = new Set(['closed->half_open', 'half_open->open', 'half_open->closed', 'open->half_open']);
  fc.assert(
    fc.property(histories, limits, (history, limit) => run(history, limit).moves.every((move) => declared.has(move))),
    { numRuns: 2000 },
  );
  t.pass();
});

test('never stuck: two clean cycles close it from anywhere', (t) => {
  fc.assert(
    fc.property(histories, limits, (history, limit) => gateOf(run(`${history}|||`, limit).state) === 'closed'),
    { numRuns: 2000 },
  );
  t.pass();
});

test('one expiry opens it by half, and is not counted in the new cycle', (t) => {
  t.deepEqual(run('x').state.machine, { name: 'half_open', cycle: 1, expired: 0, badCycles: 0 });
  t.deepEqual(run('x|').moves, ['closed->half_open', 'half_open->closed']);
});

test('N - 1 bad cycles leave it half-open, the Nth opens it', (t) => {
  t.is(gateOf(run('xx|x|').state), 'half_open');
  t.is(gateOf(run('xx|x|x|').state), 'open');
});

test('a clean cycle in between resets the count', (t) => {
  t.deepEqual(run('xx|x||xx|x|').moves, ['closed->half_open', 'half_open->closed', 'closed->half_open']);
});

test('late expiries keep it open for that cycle', (t) => {
  t.is(gateOf(run('xx|x|x|x|').state), 'open');
  t.is(gateOf(run('xx|x|x|x||').state), 'half_open');
});

test('after open one bad cycle opens it again', (t) => {
  t.is(gateOf(run('xx|x|x||x|').state), 'open');
});

test('the generation grows by one with every change of the gate', (t) => {
  const { moves, state } = run('xx|x|x||||');
  t.is(state.generation, moves.length);
});

test('an override stands above the machine, which counts on underneath', (t) => {
  const forced = decide(policy(3), initially, { kind: 'override', override: { state: 'open', until: 5 } });
  t.is(gateOf(forced.state), 'open');
  t.deepEqual(forced.transition && [forced.transition.from, forced.transition.to], ['closed', 'open']);
  const { state, moves } = run('xx|x|', 3, forced.state);
  t.deepEqual(moves, []);
  t.is(state.machine.name, 'half_open');
  const after = decide(policy(3), state, { kind: 'override-ended' });
  t.deepEqual(after.transition && [after.transition.from, after.transition.to], ['open', 'half_open']);
  t.is(after.state.override, undefined);
});

test('when forcing open ends, a machine that saw nothing goes through half-open', (t) => {
  const forced = decide(policy(3), initially, { kind: 'override', override: { state: 'open', until: 5 } });
  const after = decide(policy(3), forced.state, { kind: 'override-ended' });
  t.is(gateOf(after.state), 'half_open');
  t.true(after.cycleStarts);
});

test('ending an override that there is not changes nothing', (t) => {
  t.deepEqual(decide(policy(3), initially, { kind: 'override-ended' }), { state: initially, cycleStarts: false });
});

test('a new leader keeps the state and concludes nothing from the gap', (t) => {
  const before = run('xx|x').state;
  const after = decide(policy(3), before, { kind: 'taken-over' });
  t.is(after.transition, undefined);
  t.true(after.cycleStarts);
  t.like(after.state.machine, { name: 'half_open', expired: 0, badCycles: 1 });
});

test('nonsense policies are named', (t) => {
  t.deepEqual(problemsOf(policy(3), 60_000), []);
  t.regex(problemsOf({ ...policy(3), cycleMs: 12_000 }, 60_000).join(), /cycleMs \(12000\) must be more/);
  t.regex(problemsOf(policy(3), 27_000).join(), /step deadline/);
  t.regex(problemsOf({ ...policy(3), badCycles: 0 }, 60_000).join(), /badCycles must be/);
  t.regex(problemsOf({ ...policy(3), ttlMs: 1.5 }, 60_000).join(), /ttlMs must be/);
});
