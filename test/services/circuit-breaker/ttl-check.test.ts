import test from 'ava';
import { managementOf, type QueueFacts, startTtlCheck, ttlProblems } from '#services/circuit-breaker/ttl-check.ts';
import { policy, table } from './world.ts';
import { questionTtlMs } from '#shared/bus/topology/topology.ts';
import { silentLog } from '#shared/log.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';

const policies = new Map([['payment', policy]]);
const ttls = {
  'payment.000': policy.ttlMs,
  'payment.001': policy.ttlMs,
  'payment.ask.000': questionTtlMs(policy),
  'payment.ask.001': questionTtlMs(policy),
  'payment.delay': policy.delayMs,
};
const facts = (change: Partial<Record<string, Partial<QueueFacts>>> = {}): QueueFacts[] =>
  Object.entries(ttls).map(([name, ttlMs]) => ({
    name,
    arguments: {},
    effective_policy_definition: { 'message-ttl': ttlMs },
    ...change[name],
  }));
const problem = (change?: Parameters<typeof facts>[0]): string | undefined =>
  ttlProblems(facts(change), table, policies).get('payment');

test('queues that expire as the policy says are in order', (t) => {
  t.is(problem(), undefined);
});

test('the lower of argument and policy counts', (t) => {
  t.regex(problem({ 'payment.000': { arguments: { 'x-message-ttl': 5 } } }) ?? '', /payment\.000 has a TTL of 5 ms/);
  t.is(problem({ 'payment.000': { arguments: { 'x-message-ttl': 60_000 } } }), undefined);
});

test('a policy that takes the TTL away, changes it or limits the length is named', (t) => {
  t.regex(problem({ 'payment.001': { effective_policy_definition: { priority: 1 } } }) ?? '', /a TTL of none/);
  t.regex(problem({ 'payment.001': { effective_policy_definition: [] } }) ?? '', /a TTL of none/);
  t.regex(problem({ 'payment.ask.001': { effective_policy_definition: [] } }) ?? '', /ask\.001 has a TTL of none/);
  t.regex(problem({ 'payment.delay': { effective_policy_definition: { 'message-ttl': 1 } } }) ?? '', /delay has a TTL/);
  const limited = { 'message-ttl': policy.ttlMs, overflow: 'drop-head' };
  t.regex(problem({ 'payment.000': { effective_policy_definition: limited } }) ?? '', /limits the length/);
  t.regex(ttlProblems([], table, policies).get('payment') ?? '', /does not exist/);
});

test('only what is still wrong after the lag of the API is wrong, and it is right again when it is', async (t) => {
  const clock = createVirtualClock();
  let answer: QueueFacts[] = facts({ 'payment.000': { effective_policy_definition: [] } });
  let down = false;
  const check = startTtlCheck({
    api: { get: <Answer>() => (down ? Promise.reject(new Error('down')) : Promise.resolve(answer as Answer)) },
    vhost: 'v',
    table,
    policies,
    clock,
    log: silentLog,
  });
  await clock.advance(9000);
  t.is(check.problem('payment'), undefined);
  answer = facts();
  await clock.advance(5000);
  t.is(check.problem('payment'), undefined);
  answer = facts({ 'payment.000': { effective_policy_definition: [] } });
  await clock.advance(75_000);
  t.regex(check.problem('payment') ?? '', /TTL of none/);
  // Who does not answer says nothing new.
  down = true;
  await clock.advance(120_000);
  t.regex(check.problem('payment') ?? '', /TTL of none/);
  down = false;
  answer = facts();
  await clock.advance(120_000);
  t.is(check.problem('payment'), undefined);
  check.stop();
});

test('a look that fails is tried again soon, more rarely when it goes on failing, which is warned of once', async (t) => {
  const clock = createVirtualClock();
  const tries: number[] = [];
  let warnings = 0;
  let isDown = true;
  const check = startTtlCheck({
    api: {
      get<Answer>() {
        tries.push(clock.now());
        return isDown ? Promise.reject(new Error('down')) : Promise.resolve(facts() as Answer);
      },
    },
    vhost: 'v',
    table,
    policies,
    clock,
    log: { ...silentLog, warn: () => void (warnings += 1) },
  });
  await clock.advance(600_000);
  const gaps = tries.slice(1).map((at, place) => at - tries[place]!);
  t.true(gaps[0]! <= 1000, `again after ${gaps[0]} ms`);
  t.true(Math.max(...gaps) <= 30_000 && tries.length < 50, gaps.join(' '));
  t.is(warnings, 1);
  isDown = false;
  await clock.advance(30_000);
  const answered = tries.length;
  await clock.advance(29_000);
  t.is(tries.length, answered, 'what was answered is looked at again a minute later');
  await clock.advance(31_000);
  t.is(tries.length, answered + 1);
  check.stop();
});

test('the API is asked as the broker user', (t) => {
  t.is(managementOf('amqp://v.breaker:p%40ss@127.0.0.1:5672/v', undefined), undefined);
  const { api, vhost } = managementOf('amqp://v.breaker:p%40ss@127.0.0.1:5672/v', 'http://127.0.0.1:15672') ?? {};
  t.is(api?.user, 'v.breaker');
  t.is(vhost, 'v');
});
