import test from 'ava';
import { untoldOrders } from './untold.ts';
import type { SimulatedTown } from './town.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';
import { send } from '#services/notify/contract.ts';
import { routeTable } from '#services/services.ts';
import { deadLetterHeaders } from '#shared/bus/dead-letter.ts';
import { createMemoryBroker } from '#shared/bus/memory/memory-bus.ts';
import { dead, topologyOf } from '#shared/bus/topology/topology.ts';

const step = { name: 'tell-customer', sentAt: 1, end: 'timed-out' };
const ended = { phase: 'ended', steps: [step] };

/** A town of one order whose mail was buried after so many tries, and this became of its saga. */
async function townOf(attempts: number, saga: object, type = send.name): Promise<SimulatedTown> {
  const clock = createVirtualClock();
  const broker = createMemoryBroker({ clock });
  broker.apply(topologyOf(routeTable, { ttlMs: 1000, delayMs: 1000 }, 'test'));
  const note = deadLetterHeaders({ reason: 'no answer', route: 'notify', attempts, at: 1 });
  const letter = { type, content: Buffer.from('{}'), headers: { key: 'o1', ...note } };
  await clock.during(broker.connect('notify').publish(dead('notify'), letter));
  return {
    broker,
    sagas: { documents: new Map([['o1', { state: saga }]]) },
    settings: { times: { sagaMs: 20_000 } },
  } as unknown as SimulatedTown;
}

test('a customer is untold whose mail is a dead letter after its last try, as the saga says; nobody else', async (t) => {
  t.deepEqual([...untoldOrders(await townOf(5, ended))], ['o1']);
  t.deepEqual([...untoldOrders(await townOf(4, ended))], [], 'a try was left');
  t.deepEqual([...untoldOrders(await townOf(5, ended, 'mail.retract'))], [], 'it was no mail');
  t.deepEqual([...untoldOrders(await townOf(5, { phase: 'closing', steps: [] }))], [], 'the saga waits for it');
  const said = { ...ended, steps: [{ name: step.name, sentAt: 1, answeredAt: 2 }] };
  t.deepEqual([...untoldOrders(await townOf(5, said))], [], 'the saga says that it was sent');
});
