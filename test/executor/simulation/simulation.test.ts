import test from 'ava';
import { createChecks } from './checks.ts';
import { createEvents } from './events.ts';
import { createNetwork } from './network.ts';
import { createNode, type Node } from './node.ts';
import { createQueue } from './queue.ts';
import { simulate } from './simulate.ts';
import { LIMITS, TIMING } from '#services/executor/timing.ts';

test('100 seeds with everything that may go wrong: one leader a term, one log, each entry executed once', (t) => {
  const totals: Record<string, number> = {};
  for (let seed = 1; seed <= 100; seed += 1) {
    const { violations, counts } = simulate(seed);
    t.deepEqual(violations, [], `seed ${seed}`);
    for (const [what, n] of Object.entries(counts)) totals[what] = (totals[what] ?? 0) + n;
  }
  t.true(totals['late work refused']! > 30, 'woken leaders came late');
  t.true(totals['terms led']! > 200, 'leaders changed');
});

test('the same seed is the same history', (t) => {
  t.deepEqual(simulate(7), simulate(7));
});

/** Three executors of whom nothing bad happens, with as many entries as they take. */
function calm(delayMs: number, seconds: number, seed = 3) {
  const events = createEvents(seed);
  const checks = createChecks(events.now);
  const members = ['executor-1', 'executor-2', 'executor-3'];
  const nodes = new Map<string, Node>();
  const beats: number[] = [];
  const network = createNetwork(events, (message) => nodes.get(message.to)?.deliver(message));
  const queue = createQueue(events, checks);
  const send: typeof network.send = (message) => {
    if (message.kind === 'heartbeat' && message.from === 'executor-3') beats.push(events.now());
    network.send(message);
  };
  for (const id of members)
    nodes.set(id, createNode({ config: { ...TIMING, ...LIMITS, id, members }, events, checks, queue, send }));
  for (const node of nodes.values()) node.start();
  network.worsen(0, 0, delayMs, 0);
  const enqueue = (): void => {
    queue.enqueue(1);
    events.at(20, enqueue);
  };
  enqueue();
  const first = [...nodes.values()].map((node) => node.state());
  events.run(seconds * 1000);
  return { first, beats, checks, events, nodes, states: [...nodes.values()].map((node) => node.state()) };
}

test('everyone starts as a follower in term 0', (t) => {
  for (const state of calm(10, 1).first)
    t.deepEqual([state?.role.kind, state?.term, state?.log.entries], ['follower', 0, []]);
});

test('nobody is elected while nothing is wrong, however many entries there are', (t) => {
  const { states, checks } = calm(400, 200);
  t.deepEqual(checks.violations, []);
  t.is(checks.leaders(), 1);
  t.deepEqual(
    states.map((state) => state?.term),
    [1, 1, 1],
  );
});

test('a leader that dies has a successor within 5 s', (t) => {
  const took: number[] = [];
  for (let seed = 1; seed <= 60; seed += 1) {
    const { events, nodes } = calm(100, 8, seed);
    const leads = (): Node | undefined => [...nodes.values()].find((node) => node.state()?.role.kind === 'leader');
    const died = leads();
    t.not(died, undefined, `seed ${seed}`);
    died?.kill();
    const since = events.now();
    events.run(since + 20_000, () => leads() !== undefined);
    took.push(events.now() - since);
  }
  t.log(`${Math.max(...took)} ms at most, ${took.toSorted((a, b) => a - b)[30]} ms usually`);
  t.true(Math.max(...took) < 5000, took.join(', '));
});

test('the gaps between heartbeats vary between the configured bounds', (t) => {
  const { beats, states } = calm(10, 120);
  t.not(states[2]?.role.kind, 'leader');
  const gaps = beats.slice(1).map((at, n) => at - beats[n]!);
  t.true(gaps.length > 100);
  // One tick late at most.
  t.true(Math.min(...gaps) >= TIMING.beatMinMs && Math.max(...gaps) <= TIMING.beatMaxMs + 60);
  t.true(Math.max(...gaps) - Math.min(...gaps) > 150);
  t.true(new Set(gaps).size > 4);
});
