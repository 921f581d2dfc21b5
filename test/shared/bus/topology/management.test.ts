import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { connectManagement, ProvisionError } from '#shared/bus/topology/management.ts';
import { provision } from '#shared/bus/topology/provision.ts';
import { topologyOf } from '#shared/bus/topology/topology.ts';
import { silentLog } from '#shared/log.ts';
import { smallTable, smallTiming } from './small-table.ts';

const REQUEST_MS = 200;
/** Is given, and hangs. */
const NEVER = 0;
/** Headers and the beginning of a body come, and the rest never does. */
const HALF = 1;
/** Who asks is no administrator: what provisioning ends with that got an answer. */
const ANSWERED = /needs the tag administrator/;

/** Answers with these statuses in turn, the last one for ever; counts what it was asked. */
async function api(t: ExecutionContext, ...statuses: readonly number[]) {
  let asked = 0;
  const server = createServer((_request, response) => {
    const status = statuses[Math.min(asked, statuses.length - 1)]!;
    asked += 1;
    if (status === NEVER) return;
    if (status === HALF) {
      response.write('[');
      return;
    }
    response.statusCode = status;
    response.end('{"tags":[]}');
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  const managementUrl = `http://a:b@127.0.0.1:${port}`;
  return {
    asked: () => asked,
    management: connectManagement(managementUrl, REQUEST_MS),
    provision: (waitMs: number, told: string[] = []) =>
      provision({
        amqpUrl: 'amqp://a:b@127.0.0.1:9',
        managementUrl,
        vhost: 'v',
        topology: topologyOf(smallTable, smallTiming, 'v'),
        passwords: {},
        log: { ...silentLog, warn: (_text, { reason }: { readonly reason?: string } = {}) => told.push(reason ?? '') },
        waitMs,
        requestMs: REQUEST_MS,
      }),
  };
}

test('provisioning waits for a management API that hangs at first', async (t) => {
  const told: string[] = [];
  // It asks two things at once: who it is, and what there is.
  const { provision, asked } = await api(t, NEVER, NEVER, HALF, HALF, 500, 500, 503, 503, 200);
  await t.throwsAsync(provision(60_000, told), { instanceOf: ProvisionError, message: ANSWERED });
  t.is(told.length, 4);
  t.regex(told[0]!, /does not answer/);
  t.is(asked(), 10);
});

test('provisioning gives up a management API that never answers, and says what to do', async (t) => {
  const { provision, asked } = await api(t, NEVER);
  await t.throwsAsync(provision(1500), {
    instanceOf: ProvisionError,
    message: /does not answer at .*: start the broker/,
  });
  t.true(asked() >= 4, 'it was asked again');
});

test('provisioning does not wait where it is refused, or has nobody to wait for', async (t) => {
  for (const status of [400, 401, 403]) {
    const { provision, asked } = await api(t, status);
    await t.throwsAsync(provision(60_000), { instanceOf: ProvisionError, message: /refuses the user|answered 400/ });
    t.true(asked() <= 2, String(status));
  }
  const { provision, asked } = await api(t, NEVER);
  await t.throwsAsync(provision(0), { message: /does not answer/ });
  t.true(asked() <= 2);
});

test('a request of the management API is made once, and what may pass is told from a refusal', async (t) => {
  for (const [status, transient] of [
    [NEVER, true],
    [HALF, true],
    [500, true],
    [400, false],
    [401, false],
  ] as const) {
    const { management, asked } = await api(t, status);
    const error = await t.throwsAsync(management.get('/users'), { instanceOf: ProvisionError });
    t.is(error?.transient, transient, String(status));
    t.is(asked(), 1);
  }
});
