/** A mail server that takes its time (RFC 5321 allows minutes), with the real mailer and the real engine; all times are short. */
import test, { type ExecutionContext } from 'ava';
import { send, sent } from '#services/notify/contract.ts';
import { smtpMailer } from '#services/notify/smtp-mailer.ts';
import { notificationEntity, type NotificationState } from '#services/notify/notification.ts';
import { routeTable } from '#services/services.ts';
import { encode } from '#shared/bus/envelope.ts';
import { createMemoryBroker } from '#shared/bus/memory/memory-bus.ts';
import { inbox, partitionQueues, topologyOf } from '#shared/bus/topology/topology.ts';
import { systemClock as clock } from '#shared/clock.ts';
import { createEngine } from '#shared/entity/engine.ts';
import type { Effect } from '#shared/entity/entity.ts';
import { limitsFor } from '#shared/entity/options.ts';
import { createMemoryStore } from '#shared/entity/stores/memory-store.ts';
import { silentLog as log } from '#shared/log.ts';
import { startSmtpServer } from '#test/support/smtp-server.ts';
import { until } from '#test/support/until.ts';

/** An ordinary effect is aborted after a quarter of it. */
const TTL_MS = 1000;

async function when(holds: () => boolean): Promise<void> {
  await until(String(holds), holds, Boolean, { limitMs: 20_000, everyMs: 10 });
}

async function started(t: ExecutionContext, effect: Effect | undefined) {
  const server = await startSmtpServer();
  const mailer = smtpMailer({ url: server.url, from: 'orders@switchyard.example', limitMs: 20_000, clock });
  const broker = createMemoryBroker({ clock });
  broker.apply(topologyOf(routeTable, { ttlMs: TTL_MS, delayMs: 200 }, 'test'));
  const store = createMemoryStore<NotificationState>();
  const engine = createEngine<NotificationState>({
    entity: notificationEntity({ mailer, ...(effect && { effect }) }),
    bus: broker.connect('notify'),
    store,
    clock,
    log,
    queues: partitionQueues(routeTable, 'notify'),
    limits: limitsFor(TTL_MS, { sweepMs: 50 }),
  });
  await engine.start();
  t.teardown(async () => {
    await engine.drain(0);
    mailer.close();
    await server.close();
  });
  return {
    server,
    broker,
    head: (orderId: string) => store.documents.get(orderId)?.stash[0],
    tell(orderId: string): void {
      const total = { amount: 1299, currency: 'EUR' } as const;
      const body = { orderId, outcome: 'completed', to: `${orderId}@example.org`, customerId: 'alice', total } as const;
      const replyTo = { route: 'saga', key: orderId };
      const id = `${orderId}:notify-customer:do`;
      const message = { id, type: send.name, key: orderId, body, correlationId: orderId, replyTo };
      broker.put(inbox('notify'), encode(message));
    },
    /** Orders whose saga was answered that the mail is sent; one entry for each answer. */
    answered: (): readonly string[] =>
      partitionQueues(routeTable, 'saga')
        .flatMap((queue) => broker.queue(queue).ready)
        .flatMap(({ type, correlationId }) => (type === sent.name ? [String(correlationId)] : [])),
    copies: (orderId: string): number => server.mails.filter(({ to }) => to[0]?.includes(`<${orderId}@`)).length,
  };
}

const retry = { baseMs: 100, capMs: 400, attempts: 3 };

test('a mail server that takes longer than a message may wait gets the mail once; mails of other orders go on meanwhile', async (t) => {
  const world = await started(t, { limitMs: 20_000, retry });
  world.server.late(({ to }) => (to[0]?.includes('<slow@') ? 3 * TTL_MS : 0));
  world.tell('slow');
  await when(() => world.server.offered() > 0);
  for (let n = 0; n < 20; n += 1) world.tell(`quick-${n}`);
  await when(() => world.answered().length >= 20);
  t.false(world.answered().includes('slow'));
  await when(() => world.head('slow')?.leasedUntil !== undefined);
  // The saga sends it again under the same id while it is under way.
  world.tell('slow');
  await when(() => world.answered().includes('slow'));
  t.is(world.copies('slow'), 1);
  t.is(world.server.offered(), 21);
  t.is(world.head('slow'), undefined);
  world.tell('slow');
  await when(() => world.answered().filter((one) => one === 'slow').length === 2);
  t.is(world.server.offered(), 21, 'nor once more when it was answered');
});

test('a mail server that never answers is tried a few times, further and further apart; the last error shows, then the mail is a dead letter', async (t) => {
  const world = await started(t, { limitMs: 500, retry });
  world.server.late(() => Infinity);
  world.tell('lost');
  await when(() => world.head('lost')?.leasedUntil !== undefined);
  t.is(world.head('lost')?.attempts, 1, 'it is being tried');
  await when(() => world.head('lost')?.lastError !== undefined && world.head('lost')?.leasedUntil === undefined);
  const { attempts, lastError, nextTryAt } = world.head('lost')!;
  t.true(attempts >= 1 && attempts < 3);
  t.regex(lastError ?? '', /no result within 500 ms/);
  t.true(nextTryAt > 0);
  await when(() => world.broker.queue('notify.dead').ready.length > 0);
  // On a busy machine a try may end before the server has the whole mail.
  t.true(world.server.offered() >= 1 && world.server.offered() <= 3, String(world.server.offered()));
  const [dead] = world.broker.queue('notify.dead').ready;
  t.regex(String(dead?.headers['dead-reason']), /after 3 tries/);
  await when(() => world.head('lost') === undefined);
  world.server.late(() => 0);
  world.tell('lost');
  await when(() => world.answered().includes('lost'));
});
