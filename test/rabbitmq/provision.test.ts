import { execFile } from 'node:child_process';
import test from 'ava';

test('provisioning tells all that is wrong in one go, an unknown route in GATE_POLICIES too, and no password', async (t) => {
  const env = {
    RABBITMQ_URL: 'http://broker',
    GATE_POLICIES: '{"paymnt": {"ttlMs": 5000}}',
    GATE_DELAY_MS: 'soon',
    ORDER_BROKER_PASSWORD: 'a-secret',
    PATH: process.env['PATH'],
  };
  const { code, stderr } = await new Promise<{ readonly code: unknown; readonly stderr: string }>((resolve) => {
    execFile(process.execPath, ['rabbitmq/provision.ts'], { env, timeout: 60_000 }, (error, _, written) =>
      resolve({ code: error?.code, stderr: written }),
    );
  });
  t.is(code, 1);
  for (const part of [
    /RABBITMQ_URL: Invalid URL/,
    /RABBITMQ_MANAGEMENT_URL is missing/,
    /GATE_DELAY_MS: /,
    /GATE_POLICIES names the route "paymnt", there are: order, payment/,
    /PAYMENT_BROKER_PASSWORD is missing/,
    /SHOP_BROKER_PASSWORD is missing/,
  ])
    t.regex(stderr, part);
  t.false(stderr.includes('a-secret'));
});
