/** Several copies of the audit service on the real broker: one of them is asked. */
import test from 'ava';
import { services } from '#services/services.ts';
import type { RunningService, Service } from '#shared/host/kit.ts';
import { startStack } from '#test/services/gateway/real-stack.ts';
import { until } from '#test/support/until.ts';

const [audit] = services.filter(({ name }) => name === 'audit') as [Service];

/** Whether it has run an audit. */
async function hasRun({ url }: RunningService): Promise<boolean> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return /^switchyard_audit_last_run_timestamp_seconds\{.*\} [1-9]/m.test(text);
}

test('of two copies one runs the audits and tells of them; when it stops the other one does', async (t) => {
  t.timeout(120_000);
  const copies: RunningService[] = [];
  const remembered: Service = {
    ...audit,
    async start(...how) {
      const running = await audit.start(...how);
      copies.push(running);
      return running;
    },
  };
  const stops: (() => Promise<void>)[] = [];
  t.teardown(async () => {
    for (const stop of stops.toReversed()) await stop();
  });
  const { call } = await startStack((stop) => void stops.push(stop), [remembered, remembered]);
  for (const { url } of copies)
    await until(
      'it is ready',
      () => fetch(`${url}/readyz`),
      ({ status }) => status === 200,
    );

  for (let run = 1; run <= 3; run += 1) {
    t.is((await call('POST', '/v1/audit', { graceMs: 0 })).status, 200);
    t.is(((await call('GET', '/v1/audits')).body['items'] as object[]).length, run);
  }
  const [first, second] = (await hasRun(copies[0]!)) ? copies : copies.toReversed();
  t.deepEqual([await hasRun(first!), await hasRun(second!)], [true, false]);
  await first!.stop();
  await until(
    'the other one is asked',
    () => call('POST', '/v1/audit', { graceMs: 0 }),
    ({ status }) => status === 200,
  );
  t.true(await hasRun(second!));
});
