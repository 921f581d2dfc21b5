import test from 'ava';
import { services, system } from '#services/services.ts';
import { ConfigError } from '#shared/errors.ts';

function problems(environment: Readonly<Record<string, string>>): readonly string[] {
  const service = services.find(({ name }) => name === 'checkout')!;
  try {
    const addresses = { AMQP_URL: 'amqp://127.0.0.1:9/none', MONGO_URL: 'mongodb://127.0.0.1:9/none' };
    service.check({ ...addresses, ...environment }, system.table);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems;
  }
}

test('an event may take longer than the gate of its service delays: otherwise it is refused, with the route', (t) => {
  t.deepEqual(problems({}), []);
  t.deepEqual(problems({ CHECKOUT_STEP_MS: '2001' }), []);
  t.is(problems({ CHECKOUT_STEP_MS: '2000' }).length, 3);
  t.deepEqual(problems({ GATE_DELAY_MS: '9000', CHECKOUT_STEP_MS: '9001' }), []);
  const [problem, ...others] = problems({ GATE_POLICIES: '{"fraud": {"delayMs": 7000}}' });
  t.regex(problem!, /gate of fraud/);
  t.deepEqual(others, []);
  t.deepEqual(problems({ GATE_POLICIES: '{"wallet": {"delayMs": 7000}}' }), [], 'a checkout waits for no wallet');
});
