import test from 'ava';
import type { RouteFacts, StatusFacts } from '#local/commands/status/facts.ts';
import type { ExecutorView } from '#services/executor/shapes.ts';
import { statusReport, type StatusLine } from '#local/commands/status/report.ts';

const now = Date.UTC(2026, 0, 2, 12);
const ago = (ms: number): string => new Date(now - ms).toISOString();
const route = (changes: Partial<RouteFacts> = {}): RouteFacts => ({
  route: 'payment',
  state: 'closed',
  since: ago(1000),
  parked: 0,
  delayed: 0,
  ...changes,
});
const executor = (n: number, changes: Partial<ExecutorView> = {}): ExecutorView => ({
  id: `executor-${n}`,
  role: 'follower',
  since: '2026-01-02T10:00:00.000Z',
  term: 4,
  lastIndex: 9,
  commitIndex: 9,
  executed: 7,
  alive: true,
  ...changes,
});
const well: StatusFacts = {
  services: [{ name: 'payment-1' }, { name: 'gateway' }],
  missing: [],
  routes: [route()],
  depths: new Map([['payment', 3]]),
  deadLetters: [],
  orders: { open: 0, isMore: false },
  executors: [executor(1, { role: 'leader' }), executor(2), executor(3)],
  audit: { state: 'done', startedAt: ago(5000), endedAt: ago(4000), violations: 0 },
};
const report = (changes: Partial<StatusFacts>): readonly StatusLine[] =>
  statusReport({ ...well, ...changes }, now, 1_000_000);
/** The lines that say that something is wrong. */
const ill = (changes: Partial<StatusFacts>): readonly StatusLine[] =>
  report(changes).filter(({ level }) => level !== 'fine');

test('a stack that is well needs nobody', (t) => {
  t.deepEqual(
    report({}).map(({ topic, level, text }) => `${topic} ${level} ${text}`),
    [
      'services fine 2 of 2 ready',
      'routes fine payment   closed    3 waiting',
      'parked fine nothing',
      'dead letters fine none',
      'open orders fine none',
      'executors fine executor-1 leads in term 4 since 2026-01-02 10:00:00Z; 3 of 3 live, a majority is 2.',
      'invariants fine all held 4 s ago',
    ],
  );
});

const order = (ms: number) => ({ open: 2, isMore: false, oldest: { id: 'o-1', status: 'paid', createdAt: ago(ms) } });
const cases: readonly [string, Partial<StatusFacts>, StatusLine['level'], RegExp, RegExp][] = [
  [
    'a service that is not ready',
    { services: [{ name: 'saga', problem: 'broker: away' }] },
    'person',
    /^saga: broker: away/,
    /log/,
  ],
  [
    'a service without a worker',
    { missing: [{ service: 'wallet' }] },
    'person',
    /^wallet has no living/,
    /start wallet/,
  ],
  [
    'an open route',
    { routes: [route({ state: 'open' })] },
    'person',
    /open .*refused since/,
    /nobody works on payment/,
  ],
  ['a half-open route', { routes: [route({ state: 'half_open' })] }, 'watch', /half-open/, /slow or away/],
  ['breakers that are silent', { routes: [route({ stale: true })] }, 'person', /not heard of/, /circuit breaker/],
  ['no breaker', { routes: 'has not reported yet' }, 'person', /not reported/, /circuit breaker/],
  ['a wrong binding', { routes: [route({ problems: ['no gate'] })] }, 'person', /no gate/, /provision/],
  [
    'a forced gate',
    { routes: [route({ override: { state: 'open', until: ago(-1), reason: 'upgrade', by: 'ann' } })] },
    'watch',
    /forced until .* by ann: upgrade/,
    /DELETE/,
  ],
  ['parked messages', { routes: [route({ parked: 4 })] }, 'watch', /^4 for payment/, /by themselves/],
  [
    'dead letters',
    { deadLetters: [{ cause: 'odd', route: 'wallet', count: 7 }] },
    'person',
    /^7 of 1 cause, .*odd/,
    /replay/,
  ],
  ['a slow order', { orders: order(61_000) }, 'watch', /^2; o-1 \(paid\) is the oldest, for 61 s/, /timeline/],
  ['a hanging order', { orders: order(1_000_001) }, 'person', /for 16 min/, /timeline/],
  [
    'a majority of executors away',
    { executors: [executor(1), executor(2, { alive: false }), executor(3, { alive: false })] },
    'person',
    /^Nobody leads, and nobody can: 1 of 3/,
    /start the service executor/,
  ],
  ['an election', { executors: [executor(1), executor(2), executor(3)] }, 'watch', /^Nobody leads yet/, /seconds/],
  [
    'an executor that is silent',
    { executors: [executor(1, { role: 'leader' }), executor(2), executor(3, { alive: false })] },
    'watch',
    /leads in term 4 .*2 of 3 live/,
    /who is silent/,
  ],
  ['a violation', { audit: { ...well.audit!, violations: 2 } }, 'person', /^2 violations/, /npm run audit/],
];
for (const [what, changes, level, text, advice] of cases)
  test(`${what} is told with what to do about it`, (t) => {
    const [line, ...others] = ill(changes);
    t.deepEqual(others, []);
    t.is(line?.level, level);
    t.regex(line?.text ?? '', text);
    t.regex(line?.advice ?? '', advice);
  });

test('a stack without an audit is asked for one, and an order of a second is nothing', (t) => {
  const { audit: _, ...unaudited } = well;
  const lines = statusReport({ ...unaudited, orders: order(1000) }, now, 1_000_000);
  t.deepEqual(
    lines.filter(({ level }) => level !== 'fine').map(({ text }) => text),
    ['not checked since the audit service started'],
  );
});
