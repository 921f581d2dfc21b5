import test from 'ava';
import { Registry } from 'prom-client';
import { auditorOf, auditsOf, sourcesOf } from './audit-world.ts';
import { startWorld, type World } from '#test/services/gateway/world.ts';
import { auditMeter } from '#services/audit/metrics.ts';
import type { Auditor } from '#services/audit/auditor.ts';
import { systemClock } from '#shared/clock.ts';
import { orders } from '#services/order/contract.ts';
import { auditShape } from '#services/console/audit-shape.ts';
import { createApi } from '#local/commands/api.ts';
import { auditOver, auditReport } from '#local/commands/audit.ts';
import { signToken } from '#shared/web/tokens.ts';
import { keys } from '#test/services/gateway/world.ts';
import type { ExecutionContext } from 'ava';
import { until } from '#test/support/until.ts';

const operator = { as: 'root', role: 'operator' } as const;
const lost = { orderId: 'o1', wrong: 'it is lost', acceptedAt: 1000 };

async function worldOf(t: ExecutionContext, auditor: Auditor, atOnceMs = 5000): Promise<World> {
  const world = await startWorld({ audits: auditsOf(auditor, { atOnceMs }) });
  t.teardown(async () => {
    await auditor.stop();
    await world.stop();
  });
  return world;
}

test('a small audit is answered at once, with what it found and how one can tell', async (t) => {
  const auditor = auditorOf(sourcesOf([lost]));
  const world = await worldOf(t, auditor);
  const { status, body, headers } = await world.call('POST', '/v1/audit', { ...operator, body: { graceMs: 0 } });
  t.is(status, 200);
  t.notThrows(() => auditShape(auditor.names).parse(body));
  t.is(body['state'], 'done');
  t.is(body['violations'], 1);
  const [item = {}] = body['items'] as Record<string, unknown>[];
  t.like(item, { check: 'hanging', orderId: 'o1', documents: ['orders/o1'] });
  t.deepEqual(item['evidence'], { order: { ...lost, acceptedAt: '1970-01-01T00:00:01.000Z' } });
  t.deepEqual((await world.call('GET', headers.get('location') ?? '', operator)).body, body);
});

test('a long one is answered 202 and read at its Location; meanwhile there is no other', async (t) => {
  const { promise, resolve: open } = Promise.withResolvers<void>();
  const world = await worldOf(t, auditorOf(sourcesOf([], promise)), 50);
  const first = await world.call('POST', '/v1/audit', operator);
  t.is(first.status, 202);
  t.is(first.body['state'], 'running');
  const location = first.headers.get('location') ?? '';
  const second = await world.call('POST', '/v1/audit', operator);
  t.is(second.status, 409);
  t.like(second.body, { type: '/problems/invalid-transition', auditId: first.body['id'] });
  t.is(second.headers.get('location'), location);
  open();
  await until(
    'it ends',
    () => world.call('GET', location, operator),
    ({ body }) => body['state'] === 'done',
  );
  const list = await world.call('GET', '/v1/audits', operator);
  t.deepEqual(
    (list.body['items'] as Record<string, unknown>[]).map(({ id, state, items }) => [id, state, items]),
    [[first.body['id'], 'done', undefined]],
  );
});

test('a request that is not understood starts nothing', async (t) => {
  const auditor = auditorOf();
  const world = await worldOf(t, auditor);
  for (const body of [{ limit: 1001 }, { limit: -1 }, { graceMs: 60_001 }, { hangingAfterMs: -1 }, { what: 1 }])
    t.is((await world.call('POST', '/v1/audit', { ...operator, body })).status, 400, JSON.stringify(body));
  t.is((await world.call('POST', '/v1/audit', { as: 'alice' })).status, 403);
  t.is((await world.call('GET', '/v1/audits/none', operator)).status, 404);
  t.deepEqual(auditor.all(), []);
});

test('while no audit service is there, nothing is begun, and asking says so', async (t) => {
  const auditor = auditorOf();
  const world = await startWorld({ audits: auditsOf(auditor, { listens: false, waitMs: 300 }) });
  t.teardown(world.stop);
  for (const [method, path] of [
    ['POST', '/v1/audit'],
    ['GET', '/v1/audits'],
    ['GET', '/v1/audits/a1'],
  ] as const) {
    const { status, body } = await world.call(method, path, operator);
    t.is(status, 503, path);
    t.like(body, { type: '/problems/dependency-unavailable', dependency: 'audit' });
  }
  t.deepEqual(auditor.all(), []);
});

test('of one that found more than fits into a message the first are listed, and all are counted', async (t) => {
  const wrong = 'x'.repeat(50_000);
  const rows = Array.from({ length: 100 }, (_, index) => ({ orderId: `o${index + 100}`, wrong }));
  const world = await worldOf(t, auditorOf(sourcesOf(rows)));
  const { status, body } = await world.call('POST', '/v1/audit', { ...operator, body: { graceMs: 0, limit: 1000 } });
  t.is(status, 200);
  t.is(body['violations'], 100);
  const listed = (body['items'] as object[]).length;
  t.true(listed > 10 && listed < 100, String(listed));
});

test('an audit that can not read fails, and the next one may run', async (t) => {
  let broken = true;
  const [{ kind, rules } = { kind: orders, rules: [] }] = sourcesOf();
  const flaky = rules.map((bound) => ({
    ...bound,
    rows: {
      ...bound.rows,
      async *pages() {
        if (broken) throw new Error('the database is gone');
        yield [];
      },
    },
  }));
  const world = await worldOf(t, auditorOf([{ kind, rules: flaky }]));
  const first = await world.call('POST', '/v1/audit', operator);
  t.is(first.status, 200);
  t.like(first.body, { state: 'failed', problem: 'the database is gone' });
  broken = false;
  t.is((await world.call('POST', '/v1/audit', operator)).body['state'], 'done');
});

test('a process that stops ends the audit that runs', async (t) => {
  const { promise, resolve: open } = Promise.withResolvers<void>();
  const auditor = auditorOf(sourcesOf([lost], promise));
  const { id } = auditor.start(systemClock.id(), { limit: 1, hangingAfterMs: 1, graceMs: 1 })!;
  const stopped = auditor.stop();
  open();
  await stopped;
  t.like(auditor.find(id), { state: 'failed', problem: 'the process that runs it stops' });
  t.is(auditor.start(systemClock.id(), { limit: 1, hangingAfterMs: 1, graceMs: 1 }), undefined);
});

test('only the last ten are remembered', async (t) => {
  const auditor = auditorOf();
  const ids: string[] = [];
  for (let run = 0; run < 12; run += 1) {
    const { id } = auditor.start(systemClock.id(), { limit: 1, hangingAfterMs: 1, graceMs: 1 })!;
    await auditor.ended(id);
    ids.push(id);
  }
  t.deepEqual(
    auditor.all().map(({ id }) => id),
    ids.slice(-10).toReversed(),
  );
});

test('the last audit is told as metrics', async (t) => {
  const metrics = new Registry();
  const auditor = auditorOf(sourcesOf([lost]), { onDone: auditMeter(metrics) });
  const { id } = auditor.start(systemClock.id(), { limit: 0, hangingAfterMs: 60_000, graceMs: 0 })!;
  await auditor.ended(id);
  const text = await metrics.metrics();
  t.regex(text, /^switchyard_audit_violations\{check="hanging"\} 1$/m);
  t.regex(text, /^switchyard_audit_violations\{check="ledger"\} 0$/m);
  t.regex(text, /^switchyard_audit_checked\{of="orders"\} 1$/m);
  t.regex(text, /^switchyard_audit_last_run_timestamp_seconds \d{10}/m);
});

test('over HTTP an audit is waited for, also for another’s that runs, and told in words', async (t) => {
  const { promise, resolve: open } = Promise.withResolvers<void>();
  const auditor = auditorOf(sourcesOf([lost], promise));
  const world = await worldOf(t, auditor, 50);
  const api = createApi(world.url, await signToken({ subject: 'root', role: 'operator', expiresInS: 60 }, keys));
  const { id } = auditor.start(systemClock.id(), { limit: 1, hangingAfterMs: 1, graceMs: 1 })!;
  const waiting = auditOver(api, { graceMs: 0, limit: 0 });
  await until(
    'it was refused once',
    async () => auditor.all().length,
    (count) => count === 1,
  );
  open();
  const result = await waiting;
  t.not(result.id, id, 'the other one began before we asked');
  t.is(result.violations, 1);
  t.regex(auditReport(result), /1 violations: 1 hanging\.$/);
  await t.throwsAsync(auditOver(createApi(world.url, 'nobody')), { message: /answered 401/ });
});
