import { execFile } from 'node:child_process';
import test from 'ava';
import { brokerUsers } from '#services/services.ts';

interface Ended {
  readonly code: unknown;
  readonly out: string;
  readonly problems: string;
}

/** What provisioning says that has exactly this environment. */
function provisioned(variables: Readonly<Record<string, string>>): Promise<Ended> {
  const env = { ...variables, PATH: process.env['PATH'] };
  return new Promise((resolve) => {
    execFile(process.execPath, ['rabbitmq/provision.ts'], { env, timeout: 60_000 }, (error, out, problems) =>
      resolve({ code: error?.code, out, problems }),
    );
  });
}

const NOBODY_THERE = {
  RABBITMQ_URL: 'amqp://administrator:secret@127.0.0.1:9',
  RABBITMQ_MANAGEMENT_URL: 'http://administrator:secret@127.0.0.1:9',
  PROVISION_WAIT_MS: '0',
};

test('provisioning tells all that is wrong in one go, an unknown route in GATE_POLICIES too, and no password', async (t) => {
  const { code, problems } = await provisioned({
    RABBITMQ_URL: 'http://broker',
    GATE_POLICIES: '{"paymnt": {"ttlMs": 5000}}',
    GATE_DELAY_MS: 'soon',
    ORDER_BROKER_PASSWORD: 'a-secret',
  });
  t.is(code, 1);
  for (const part of [
    /RABBITMQ_URL: .*amqp/,
    /RABBITMQ_MANAGEMENT_URL is missing/,
    /GATE_DELAY_MS: /,
    /GATE_POLICIES names the route "paymnt", there are: order, payment/,
    /PAYMENT_BROKER_PASSWORD is missing/,
    /SHOP_BROKER_PASSWORD is missing/,
  ])
    t.regex(problems, part);
  t.false(problems.includes('a-secret'));
});

test('only where it is told that names will do, a user without a password has its name, and that is warned of', async (t) => {
  for (const BROKER_PASSWORDS of ['given', '']) {
    const { code, out, problems } = await provisioned({ ...NOBODY_THERE, BROKER_PASSWORDS });
    t.is(code, 1);
    for (const user of brokerUsers)
      t.true(problems.includes(`${user.toUpperCase().replaceAll('-', '_')}_BROKER_PASSWORD is missing`), user);
    t.is(out, '', 'the broker is not even asked');
  }
  const named = await provisioned({ ...NOBODY_THERE, BROKER_PASSWORDS: 'names', ORDER_BROKER_PASSWORD: 'a-secret' });
  t.notRegex(named.problems, /is missing/);
  t.regex(named.problems, /does not answer at/, 'it got as far as the broker');
  const [warning = '{}'] = named.out.split('\n').filter((line) => line.includes('"users"'));
  t.deepEqual(
    (JSON.parse(warning) as { readonly users: readonly string[] }).users,
    brokerUsers.filter((user) => user !== 'order'),
  );
});
