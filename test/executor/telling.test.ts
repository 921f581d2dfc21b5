/** What is told of the executors: a change of role as metric and as news, where each of them is, and how the queue stands. */
import test from 'ava';
import { Registry } from 'prom-client';
import { inRow, progressOf } from '#services/executor/access.ts';
import { roleChanged } from '#services/executor/contract.ts';
import type { Executors } from '#services/executor/executors.ts';
import type { Member } from '#services/executor/member.ts';
import type { Standing } from '#services/executor/standing.ts';
import { telling } from '#services/executor/telling.ts';
import type { Packet } from '#shared/bus/bus.ts';
import { jsonIn } from '#shared/bus/json-in.ts';
import { EVENTS } from '#shared/bus/topology/topology.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';

const standing: Standing = {
  role: 'leader',
  since: 0,
  term: 7,
  votedFor: 'executor-2',
  leader: 'executor-2',
  lastHeartbeatAt: undefined,
  lastIndex: 12,
  commitIndex: 11,
  executed: 9,
};

/** One executor of this process, which leads; `published` as it went out. */
function world() {
  const metrics = new Registry();
  const published: { readonly exchange: string; readonly key: string | undefined; readonly packet: Packet }[] = [];
  const bus = {
    async publish(exchange: string, packet: Packet, key?: string) {
      published.push({ exchange, key, packet });
    },
  };
  const progress = { queued: 14, executed: 9, refused: 3 };
  const clock = createVirtualClock();
  const executors: Executors = {
    running: () => [{ id: 'executor-2', standing: () => standing } as Member],
    progress: () => progress,
    stop: async () => {},
  };
  const tell = telling({ metrics, bus, clock }, () => executors);
  return { clock, metrics, published, tell };
}

test('each change of role is counted, and is news that names executor, role, term and time', async (t) => {
  const { clock, metrics, published, tell } = world();
  tell('executor-2', { ...standing, role: 'candidate', term: 6 });
  tell('executor-2', standing);
  tell('executor-2', standing);
  t.deepEqual(
    published.map(({ exchange, key, packet }) => [exchange, key, packet.type, jsonIn(packet.content)]),
    [
      ['candidate', 6],
      ['leader', 7],
      ['leader', 7],
    ].map(([role, term]) => [
      EVENTS,
      roleChanged.name,
      roleChanged.name,
      { executor: 'executor-2', role, term, at: clock.now() },
    ]),
  );
  const text = await metrics.metrics();
  t.regex(text, /^switchyard_executor_roles_total\{executor="executor-2",role="candidate"\} 1$/m);
  t.regex(text, /^switchyard_executor_roles_total\{executor="executor-2",role="leader"\} 2$/m);
});

test('where each executor of the process is, and how the queue stands as the leader sees it, is told whenever it is asked', async (t) => {
  const text = await world().metrics.metrics();
  for (const [name, value] of Object.entries({ term: 7, leads: 1, commit_index: 11, executed: 9 }))
    t.regex(text, new RegExp(`^switchyard_executor_${name}\\{executor="executor-2"\\} ${value}$`, 'm'));
  for (const [what, value] of Object.entries({ queued: 14, executed: 9, refused: 3 }))
    t.regex(text, new RegExp(`^switchyard_order_queue\\{what="${what}"\\} ${value}$`, 'm'));
});

test('how the queue stands is read from its document; there is nothing in it before there is one', (t) => {
  const fence = { term: 4, executor: 'executor-1', executed: 6 };
  t.deepEqual(progressOf({ state: { kind: 'queue', queued: 8, fence, refused: 2, records: 14 } }), {
    queued: 8,
    executed: 6,
    refused: 2,
  });
  for (const none of [null, {}]) t.deepEqual(progressOf(none), { queued: 0, executed: 0, refused: 0 });
});

test('what follows an entry is taken up to the first gap, each once, however it was read', (t) => {
  const entries = [5, 3, 4, 3, 7, 2].map((entry) => ({ entry, orderId: `order-${entry}` }));
  t.deepEqual(
    inRow(entries, 2).map(({ seq, orderId }) => [seq, orderId]),
    [
      [3, 'order-3'],
      [4, 'order-4'],
      [5, 'order-5'],
    ],
  );
  t.deepEqual(inRow(entries, 5), []);
});
