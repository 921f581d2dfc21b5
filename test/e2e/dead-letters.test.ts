import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { AMOUNT, buried, customerOf } from '#test/services/dead-letters/world.ts';
import { createShop, type Shop } from '#test/support/place.ts';
import { SHORT_TIMES, startStack, type TestStack } from '#test/support/stack.ts';
import { tail, until } from '#test/support/until.ts';
import type { LetterView } from '#services/dead-letters/letter-shape.ts';
import { connectAmqp } from '#shared/bus/amqp/amqp-bus.ts';
import { dead } from '#shared/bus/topology/topology.ts';
import { systemClock } from '#shared/clock.ts';
import { silentLog } from '#shared/log.ts';

let stack: TestStack;
let shop: Shop;
let administrator: ReturnType<typeof connectAmqp>;

test.before(async () => {
  stack = await startStack({
    apart: ['dead-letters'],
    env: { ...SHORT_TIMES, RESEND_BASE_MS: '60000', RESEND_CAP_MS: '60000' },
    ownDatabase: true,
  });
  shop = createShop(stack);
  administrator = connectAmqp({ url: stack.amqpUrl, name: 'test', clock: systemClock, log: silentLog });
  await until('the test is connected', () => administrator.connected, Boolean);
});
test.after.always(async () => {
  await administrator?.close();
  await stack?.stop();
});

/** `npm run dead-letters -- ...`. */
async function run(...words: readonly string[]): Promise<{ readonly code: number; readonly out: string }> {
  const where = ['--api', stack.apiUrl, '--token', stack.operatorToken];
  const child = spawn(process.execPath, ['local/commands/dead-letters.ts', ...words, ...where], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, problem, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number>((resolve) => child.once('close', (status) => resolve(status ?? 1))),
  ]);
  return { code, out: `${out}${problem}` };
}

const list = (query = ''): Promise<readonly LetterView[]> =>
  shop.read<{ items: readonly LetterView[] }>(`/v1/dead-letters?limit=100${query}`).then(({ items }) => items);
const listed = (what: string, query: string, holds: (letters: readonly LetterView[]) => boolean, limitMs = 30_000) =>
  until(what, () => list(query), holds, { limitMs, show: () => tail(stack.logs(), 'dead-letters') });

async function counts(): Promise<Readonly<Record<string, number>>> {
  const { items } = await shop.read<{ items: readonly { states: Record<string, number> }[] }>(
    '/v1/dead-letters/causes?route=wallet',
  );
  const sum: Record<string, number> = {};
  for (const { states } of items) for (const [state, n] of Object.entries(states)) sum[state] = (sum[state] ?? 0) + n;
  return sum;
}

test.serial('an order whose first message died stands still, says so, and completes once it is replayed', async (t) => {
  await shop.topUp('gina', 10_000);
  await shop.fault('order', { crashAt: ['order.place'] });
  const orderId = await shop.place({ customerId: 'gina' });
  const [letter] = await listed('the order’s message is listed', `&orderId=${orderId}`, ({ length }) => length === 1);
  t.like(letter, { route: 'order', type: 'order.place', state: 'dead', failures: 1, messageId: `${orderId}:place` });
  t.true((letter?.attempts ?? 0) > 1);
  const timeline = await stack.api.get<{ deadLetters: readonly LetterView[] }>(`/v1/orders/${orderId}/timeline`);
  t.like(timeline.body.deadLetters[0], { id: letter?.id, state: 'dead', cause: letter?.cause });

  await shop.fault('order', {});
  const id = letter?.id ?? '';
  const shown = await run('show', id);
  t.is(shown.code, 0, shown.out);
  t.like(JSON.parse(shown.out), { id, replaysTo: 'order.in', message: { body: { orderId, customerId: 'gina' } } });
  const replayed = await run('replay', id);
  t.is(replayed.code, 0, replayed.out);
  t.is((await shop.ended(orderId)).order.status, 'completed');
  await listed('it is marked', `&orderId=${orderId}`, ([one]) => one?.state === 'replayed');
  const after = await stack.api.get<object>(`/v1/orders/${orderId}/timeline`);
  t.false('deadLetters' in after.body);
  const again = await run('replay', id);
  t.is(again.code, 1);
  t.regex(again.out, /was replayed, and has not failed since/);
});

test.serial('an undo that died: the timeline names it, a replay past the gate lets the order end', async (t) => {
  await shop.topUp('hugo', 10_000);
  await shop.fault('wallet', { refuseAt: ['wallet.capture'], crashAt: ['wallet.release'] });
  const orderId = await shop.place({ customerId: 'hugo' });
  const [letter] = await listed('the undo is listed', `&orderId=${orderId}`, ({ length }) => length === 1, 60_000);
  t.like(letter, { route: 'wallet', type: 'wallet.release', undo: true, state: 'dead' });
  t.is((await shop.timeline(orderId)).state, 'undoing');
  await shop.fault('wallet', {});
  await run('replay', letter?.id ?? '');
  t.is((await shop.ended(orderId)).order.status, 'failed');
  t.is((await shop.wallet('hugo')).available.amount, 10_000);
});

test.serial(
  'by the command line: causes, a broken packet that is only discarded, and clear words for what cannot be',
  async (t) => {
    const broken = {
      content: Buffer.from('{"card": "4111111111111111", '),
      headers: { 'dead-reason': 'the body is not JSON' },
    };
    await administrator.publish(dead('notify'), broken);
    const [letter] = await listed('it is listed', '&route=notify', ({ length }) => length === 1);
    const id = letter?.id ?? '';
    t.regex((await run('list', '--route', 'notify')).out, new RegExp(`${id} +dead +notify`));
    t.regex((await run('causes', '--route', 'notify')).out, /the body is not JSON/);
    const shown = await run('show', id);
    t.notRegex(shown.out, /4111/);
    t.regex(shown.out, /\*\*\*/);
    const replayed = await run('replay', id);
    t.is(replayed.code, 1);
    t.regex(replayed.out, /no message of ours.*can be discarded/);
    t.regex((await run('discard', id)).out, /--reason/);
    t.regex((await run('discard', id, '--reason', 'nobody can read it')).out, /discarded/);
    t.is((await run('discard', id, '--reason', 'twice')).code, 1);
    t.is((await run('show', 'nothing')).code, 1);
    t.is((await run('replay')).code, 1);
    t.is((await run('burn')).code, 1);
  },
);

test.serial('killed again and again while it drains and replays: each is kept, each is handled once', async (t) => {
  const COUNT = 120;
  const kill = async (): Promise<void> => {
    const before = stack.process('dead-letters').restarts();
    stack.kill('dead-letters');
    await until(
      'it runs again',
      () => stack.process('dead-letters').restarts(),
      (restarts) => restarts > before,
    );
  };
  const bury = async (from: number): Promise<void> => {
    for (let index = from; index < from + COUNT / 3; index += 1)
      await administrator.publish(dead('wallet'), buried(index, { 'dead-reason': 'the same for all' }));
  };
  for (let third = 0; third < 3; third += 1) {
    const burying = bury(1 + (third * COUNT) / 3);
    await kill();
    await burying;
  }
  const cause = '&cause=the same for all';
  await until('all are kept', counts, ({ dead: waiting }) => waiting === COUNT, {
    show: () => tail(stack.logs(), 'dead-letters'),
  });

  const asked = await run('replay', '--cause', 'the same for all', '--rate', '40');
  t.regex(asked.out, new RegExp(`^${COUNT} to be replayed`), asked.out);
  for (const share of [10, 40, 80]) {
    await until('some are replayed', counts, ({ replayed = 0 }) => replayed >= share, { limitMs: 60_000 });
    await kill();
  }
  // Those of the tests before count as well.
  const done = ({ replayed = 0, replaying = 0, dead: again = 0 }): boolean =>
    replayed >= COUNT && replaying === 0 && again === 0;
  await until('all are replayed', counts, done, {
    limitMs: 60_000,
    show: () => tail(stack.logs(), 'dead-letters'),
  });
  t.true((await list(cause)).every(({ replays, failures }) => replays === 1 && failures === 1));
  for (let index = 1; index <= COUNT; index += 1) {
    const { available } = await until(
      `${customerOf(index)} has a wallet`,
      () => shop.wallet(customerOf(index)),
      Boolean,
    );
    t.is(available.amount, AMOUNT, customerOf(index));
  }
});

test.serial('the database away: what dies waits in its queue, and is kept when it is back', async (t) => {
  await stack.process('database').stop();
  const before = stack.logs().length;
  for (let index = 1; index <= 10; index += 1)
    await administrator.publish(dead('delivery'), buried(index, { 'dead-reason': 'while the database was away' }));
  await until(
    'it says that it cannot store them',
    () =>
      stack
        .logs()
        .slice(before)
        .filter((line) => line.includes('a dead letter cannot be stored')),
    ({ length }) => length > 0,
    { limitMs: 60_000 },
  );
  stack.process('database').start();
  await stack.ready(60_000);
  const letters = await listed('all are kept', '&route=delivery', ({ length }) => length === 10, 60_000);
  t.true(letters.every(({ failures }) => failures === 1));
  const metrics = await (await fetch(`${stack.urls['dead-letters']}/metrics`)).text();
  t.regex(metrics, /switchyard_dead_letters\{route="delivery",state="dead"[^}]*\} 10/);
});
