import test, { type ExecutionContext } from 'ava';
import { service } from '#services/circuit-breaker/service.ts';
import { routeTable, system } from '#services/services.ts';
import { encode } from '#shared/bus/envelope.ts';
import { ConfigError } from '#shared/errors.ts';
import { silentLog } from '#shared/log.ts';
import { untilTrue } from '#test/support/until.ts';
import { provisionedVhost } from '#test/support/provisioned.ts';
import { messageOf } from './world.ts';

const times = { MESSAGE_TTL_MS: '400', GATE_DELAY_MS: '200', GATE_CYCLE_MS: '2000', STEP_DEADLINE_MS: '5000' };

async function start(t: ExecutionContext, extra: Record<string, string> = {}) {
  const vhost = provisionedVhost(routeTable, { ttlMs: 400, delayMs: 200 });
  await vhost.provision();
  const management = new URL(process.env['SWITCHYARD_TEST_MANAGEMENT_URL'] ?? '');
  management.username = '';
  management.password = '';
  const environment = {
    ...times,
    AMQP_URL: vhost.urlOf('circuit-breaker'),
    RABBITMQ_MANAGEMENT_URL: management.href,
    ...extra,
  };
  const running = await service.start(environment, system, { log: silentLog });
  t.teardown(async () => {
    await running.stop();
    await vhost.remove();
  });
  const ask = async (path: string): Promise<{ status: number; text: string }> => {
    const response = await fetch(`${running.url}${path}`);
    return { status: response.status, text: await response.text() };
  };
  return { vhost, ask };
}

test('the service acts with no address of a database, says that it is ready, and counts what it does', async (t) => {
  const { vhost, ask } = await start(t);
  await untilTrue(async () => (await ask('/readyz')).status === 200);
  await untilTrue(async () => /^switchyard_breaker_state\{route="payment".*\} 0$/m.test((await ask('/metrics')).text));
  const gateway = await vhost.connect('gateway');
  await gateway.publish('wallet.in', encode(messageOf('wallet', 'a')));
  await untilTrue(async () => /^switchyard_breaker_state\{route="wallet".*\} 1$/m.test((await ask('/metrics')).text));
  await untilTrue(async () => /^switchyard_breaker_parked\{route="wallet".*\} 1$/m.test((await ask('/metrics')).text));
  const { text } = await ask('/metrics');
  t.regex(text, /^switchyard_breaker_transitions_total\{route="wallet",from="closed",to="half_open".*\} 1$/m);
  t.regex(text, /^switchyard_breaker_expired_total\{route="wallet".*\} 1$/m);
  t.regex(text, /^switchyard_breaker_state\{route="order".*\} 0$/m);
  t.regex(text, /^switchyard_breaker_ttl_wrong\{route="order".*\} 0$/m);
});

test('queues that expire otherwise than the policy says make it not ready, by name', async (t) => {
  const { ask } = await start(t, { GATE_POLICIES: '{"notify": {"ttlMs": 300}}' });
  await untilTrue(async () => (await ask('/readyz')).status === 200);
  await untilTrue(async () => (await ask('/readyz')).status === 503, 30_000);
  t.regex((await ask('/readyz')).text, /notify\.000 has a TTL of 400 ms, the gate counts on 300 ms/);
  t.regex((await ask('/metrics')).text, /^switchyard_breaker_ttl_wrong\{route="notify".*\} 1$/m);
});

test('a policy that makes no sense does not start', async (t) => {
  const environment = { ...times, AMQP_URL: 'amqp://127.0.0.1:9/x' };
  const start = (GATE_POLICIES: string) => service.start({ ...environment, GATE_POLICIES }, system, { log: silentLog });
  const strange = await t.throwsAsync(start('{"payments": {"ttlMs": 300}}'), { instanceOf: ConfigError });
  t.regex(strange?.message ?? '', /payments/);
});
