import test from 'ava';
import { policiesOf, policyRules, timingsOf } from '#services/circuit-breaker/policies.ts';
import { gateVariables } from '#services/circuit-breaker/contract.ts';
import { sagaVariables } from '#services/saga/contract.ts';
import { readConfig } from '#shared/host/config.ts';
import { ConfigError } from '#shared/errors.ts';

const shape = { ...gateVariables, STEP_DEADLINE_MS: sagaVariables.STEP_DEADLINE_MS };
const read = (environment: Record<string, string>) => readConfig(shape, environment);
const routes = ['order', 'payment'];

test('a route has the common policy, but for what is said of it', (t) => {
  const policies = policiesOf(read({ GATE_POLICIES: '{"payment": {"ttlMs": 5000, "badCycles": 5}}' }), routes);
  t.deepEqual(policies.get('order'), { ttlMs: 10_000, delayMs: 2000, cycleMs: 15_000, badCycles: 3 });
  t.deepEqual(policies.get('payment'), { ttlMs: 5000, delayMs: 2000, cycleMs: 15_000, badCycles: 5 });
});

test('the queues get the times that the gate counts on', (t) => {
  const timing = timingsOf(read({ MESSAGE_TTL_MS: '700', GATE_POLICIES: '{"payment": {"delayMs": 30}}' }), routes);
  t.deepEqual(timing('order'), { ttlMs: 700, delayMs: 2000 });
  t.deepEqual(timing('payment'), { ttlMs: 700, delayMs: 30 });
});

test('policies that make no sense are refused, with every problem at once', (t) => {
  const config = read({
    GATE_POLICIES: '{"payment": {"cycleMs": 12000}, "order": {"ttlMs": 45000, "badCycles": 0}, "wallet": {}}',
  });
  const problems = policyRules.flatMap((rule) => rule(config, { routes })).join('\n');
  for (const problem of [
    /names the route "wallet", there are: order, payment/,
    /route payment: cycleMs \(12000\) must be more than delayMs \+ ttlMs/,
    /route order: badCycles must be a whole number of at least 1/,
    /route order: the step deadline/,
  ])
    t.regex(problems, problem);
  t.throws(() => timingsOf(config, routes), { instanceOf: ConfigError });
});

const unreadable: readonly [string, string, RegExp][] = [
  ['no JSON', '{', /GATE_POLICIES: is not JSON/],
  ['a list', '[]', /GATE_POLICIES/],
  ['a misspelt time', '{"order": {"ttl": 5}}', /GATE_POLICIES\.order/],
  ['a time that is text', '{"order": {"ttlMs": "5"}}', /GATE_POLICIES\.order\.ttlMs/],
];

for (const [what, text, problem] of unreadable) {
  test(`${what} instead of policies is refused`, (t) => {
    const error = t.throws(() => read({ GATE_POLICIES: text }), { instanceOf: ConfigError });
    t.regex(error?.message ?? '', problem);
  });
}
