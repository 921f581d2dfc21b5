import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { parseTokenKeys, signToken } from '#shared/web/tokens.ts';
import { systemClock } from '#shared/clock.ts';
import { silentLog } from '#shared/log.ts';
import { createApi } from '#local/commands/api.ts';
import { stockShelves } from '#local/commands/simulator/shelves.ts';
import { startBroker } from '#local/stack/broker.ts';
import { startDatabase } from '#local/stack/database.ts';
import { readableLine } from '#local/stack/log-lines.ts';
import { ownProcess } from '#local/stack/own-process.ts';
import { anyFreePort } from '#local/stack/ports.ts';
import { loadSecrets } from '#local/stack/secrets.ts';
import { brokerUsers } from '#services/services.ts';
import { startStack } from '#local/stack/stack.ts';
import { supervise } from '#local/stack/supervisor.ts';
import type { OrderView } from '#services/order/view.ts';
import { goods } from '#test/support/goods.ts';
import { orderBody } from '#test/support/place.ts';
import { tail, until } from '#test/support/until.ts';

const id = `wait-${process.pid}`;
const dir = join(process.env['SWITCHYARD_TEST_DIR'] ?? '', id);
const recordDir = join(dir, 'run');
const undo: (() => Promise<void>)[] = [];
const lines: string[] = [];

test.after.always(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

interface Readiness {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly reason?: string }>>;
}

test('a worker that is started before broker and database waits for them, joins, and joins again after the broker was away', async (t) => {
  t.truthy(process.env['SWITCHYARD_TEST_DIR'], 'run this test with `npm test -- <file>`');
  mkdirSync(dir, { recursive: true });
  undo.push(async () => rmSync(dir, { recursive: true, force: true }));
  const common = {
    dir,
    recordDir,
    say: () => {},
    output: (source: string, line: string) => void lines.push(readableLine(source, line, false, Date.now)),
    tell: (level: string, msg: string) => void lines.push(`${level} ${msg}`),
    onGivenUp: (name: string, reason: string) => t.fail(`${name}: ${reason}`),
    onStop: (step: () => Promise<void>) => void undo.push(step),
  };
  const secrets = loadSecrets(dir, brokerUsers);
  const ports = { amqp: await anyFreePort(), management: await anyFreePort() };
  const [mongoPort, providerPort, httpPort] = [await anyFreePort(), await anyFreePort(), await anyFreePort()];
  const local = { HTTP_HOST: '127.0.0.1', LOG_LEVEL: 'info' };
  const provider = supervise(
    ownProcess(dir, {
      name: 'own-provider',
      file: 'local/stand-ins/provider/main.ts',
      env: { ...local, HTTP_PORT: String(providerPort) },
    }),
    common,
  );
  undo.push(() => provider.stop());
  const worker = supervise(
    ownProcess(dir, {
      name: 'early-payment',
      file: 'services/payment/main.ts',
      env: {
        ...local,
        HTTP_PORT: String(httpPort),
        AMQP_URL: `amqp://${id}.payment:${secrets.brokerPasswords['payment']}@127.0.0.1:${ports.amqp}/${id}`,
        MONGO_URL: `mongodb://127.0.0.1:${mongoPort}/${id}`,
        PROVIDER_URL: `http://127.0.0.1:${providerPort}`,
      },
    }),
    common,
  );
  undo.push(() => worker.stop());
  const url = `http://127.0.0.1:${httpPort}`;
  const status = async (path: string): Promise<number> =>
    (await fetch(`${url}${path}`, { signal: AbortSignal.timeout(5000) })).status;
  const readiness = async (): Promise<Readiness & { readonly status: number }> => {
    const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5000) });
    return { ...((await answer.json()) as Readiness), status: answer.status };
  };
  const show = { show: () => tail(lines, 'payment'), limitMs: 60_000 };

  await until(
    'the worker is alive',
    () => status('/livez'),
    (code) => code === 200,
    show,
  );
  const alone = await readiness();
  t.is(alone.status, 503);
  t.false(alone.ready);
  t.deepEqual(alone.checks['broker'], { ok: false, reason: 'not connected to RabbitMQ' });
  t.false(alone.checks['database']?.ok);
  t.false(alone.checks['consuming']?.ok);
  const pid = worker.pid();

  const [broker, database] = await Promise.all([
    startBroker({ ...common, ports, password: secrets.brokerAdmin, disposable: true }),
    startDatabase({ ...common, port: mongoPort, embedded: true }),
  ]);
  t.is(await status('/livez'), 200);
  const stack = await startStack({
    ...common,
    broker,
    database,
    databaseName: id,
    vhost: id,
    secrets,
    processes: 'one-each',
    ports: 'any',
    env: {},
    log: silentLog,
  });
  undo.push(() => stack.stop());
  await stack.ready();
  await until('the worker is ready', readiness, ({ status: code, ready }) => code === 200 && ready, show);

  // From here on it is the only one that can take a payment.
  await stack.processes.get('payment')!.stop();
  const keys = parseTokenKeys(secrets.tokenKeys);
  const api = createApi(stack.api, await signToken({ subject: 'operator', role: 'operator', expiresInS: 3600 }, keys));
  await until(
    'a top-up',
    () => api.post('/v1/wallets/erin/top-ups', { amount: 5000, currency: 'EUR' }),
    (answer) => answer.status === 201,
  );
  await stockShelves({ api, clock: systemClock, run: 'shelves' }, goods);
  const orderCompletes = async (key: string): Promise<void> => {
    const place = () =>
      api.post<OrderView>('/v1/orders', orderBody({ customerId: 'erin' }), { 'idempotency-key': key });
    const { body: placed } = await until(`order ${key} is accepted`, place, (answer) => answer.status === 202, show);
    const read = async () => (await api.get<OrderView>(`/v1/orders/${placed.id}`)).body.status;
    await until(`order ${key} completes`, read, (now) => now === 'completed', show);
  };
  await orderCompletes('first');

  await broker.process!.stop();
  const missed = ({ checks }: Readiness): boolean => checks['broker']?.ok === false;
  const away = await until('the worker misses the broker', readiness, missed, show);
  t.is(away.status, 503);
  t.deepEqual(away.checks['broker'], { ok: false, reason: 'not connected to RabbitMQ' });
  t.true(away.checks['database']?.ok);
  t.is(await status('/livez'), 200);

  broker.process!.start();
  await until('the worker is ready again', readiness, ({ status: code, ready }) => code === 200 && ready, {
    ...show,
    limitMs: 90_000,
  });
  await orderCompletes('second');
  t.is(worker.restarts(), 0, tail(lines, 'early-payment', 60));
  t.is(worker.pid(), pid, 'it is the same process as at the beginning');
});
