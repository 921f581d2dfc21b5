/** What `npm run status` says: what there is, whether it is as it should be, and what to do when it is not. */
import type { RouteFacts, StatusFacts } from './facts.ts';
import { majorityOf, summaryOf } from '#local/commands/executor-lines.ts';
import type { Colour } from '#local/commands/terminal.ts';

/** `watch` passes by itself, or is still to be seen; `person`: somebody has to do something. */
export type Level = 'fine' | 'watch' | 'person';

export interface StatusLine {
  readonly topic: string;
  readonly level: Level;
  readonly text: string;
  readonly advice?: string;
}

export const COLOURS: Readonly<Record<Level, Colour>> = { fine: 'green', watch: 'yellow', person: 'red' };

/** An order takes a second; one that is older waits for somebody. */
const SLOW_MS = 60_000;
/** `npm run dead-letters -- causes` has all of it. */
const MAX_CAUSE = 100;

/** `hangingAfterMs`: how old an order may be that has not ended. `now`: epoch ms. */
export function statusReport(facts: StatusFacts, now: number, hangingAfterMs: number): readonly StatusLine[] {
  return [
    ...services(facts),
    ...routes(facts),
    ...parked(facts),
    deadLetters(facts),
    orders(),
    executors(facts),
    invariants(),
  ];

  function orders(): StatusLine {
    const { open, isMore, oldest } = facts.orders;
    const topic = 'open orders';
    if (oldest === undefined) return { topic, level: 'fine', text: 'none' };
    const ageMs = now - Date.parse(oldest.createdAt);
    const text = `${isMore ? 'more than ' : ''}${open}; ${oldest.id} (${oldest.status}) ${isMore ? 'has waited' : 'is the oldest, for'} ${lasting(ageMs)}`;
    const level = ageMs > hangingAfterMs ? 'person' : ageMs > SLOW_MS ? 'watch' : 'fine';
    if (level === 'fine') return { topic, level, text };
    return { topic, level, text, advice: `GET /v1/orders/${oldest.id}/timeline says what it waits for` };
  }

  function invariants(): StatusLine {
    const { audit } = facts;
    const topic = 'invariants';
    const advice = 'npm run audit checks them now';
    if (audit === undefined)
      return { topic, level: 'watch', text: 'not checked since the audit service started', advice };
    const when = `${lasting(now - Date.parse(audit.endedAt ?? audit.startedAt))} ago`;
    if (audit.state === 'failed') return { topic, level: 'watch', text: `the audit ${when} failed`, advice };
    if (audit.violations === 0) return { topic, level: 'fine', text: `all held ${when}` };
    const text = `${audit.violations} violations ${when}`;
    return { topic, level: 'person', text, advice: 'npm run audit lists them with their evidence' };
  }
}

function services({ services, missing }: StatusFacts): readonly StatusLine[] {
  const topic = 'services';
  const ill = services.filter(({ problem }) => problem !== undefined);
  const lines = ill.map(({ name, problem }): StatusLine => {
    return { topic, level: 'person', text: `${name}: ${problem}`, advice: `.switchyard/log/ has what it wrote` };
  });
  const absent = missing
    .filter(({ service }) => !ill.some(({ name }) => name === service || name.startsWith(`${service}-`)))
    .map(({ service }): StatusLine => {
      const advice = `start ${service}, or look into its log; its messages wait meanwhile`;
      return { topic, level: 'person', text: `${service} has no living worker`, advice };
    });
  const well = services.length - ill.length;
  const all = lines.length + absent.length === 0 ? 'ready' : 'ready, but:';
  const known = services.length === 0 ? 'every service has a worker' : `${well} of ${services.length} ${all}`;
  if (services.length === 0 && absent.length > 0) return absent;
  return [{ topic, level: 'fine', text: known }, ...lines, ...absent];
}

function routes({ routes, depths }: StatusFacts): readonly StatusLine[] {
  if (typeof routes === 'string')
    return [
      { topic: 'routes', level: 'person', text: routes, advice: 'start the circuit breaker, or look into its log' },
    ];
  return routes.map((route) => {
    const waiting = depths.get(route.route);
    const counts = [
      `${waiting ?? '?'} waiting`,
      ...(route.delayed > 0 ? [`${route.delayed} delayed`] : []),
      ...(route.parked > 0 ? [`${route.parked} parked`] : []),
    ];
    const line = `${route.route.padEnd(9)} ${route.state.replace('_', '-').padEnd(9)} ${counts.join(', ')}`;
    return { topic: 'routes', ...judged(route, line) };
  });
}

function judged(route: RouteFacts, text: string): Omit<StatusLine, 'topic'> {
  const { override, problems = [], state, stale } = route;
  if (stale === true)
    return {
      level: 'person',
      text: `${text}, not heard of since long`,
      advice: 'start the circuit breaker, or look into its log',
    };
  if (override !== undefined) {
    const who = override.by === undefined ? '' : ` by ${override.by}`;
    const why = override.reason === undefined ? '' : `: ${override.reason}`;
    const advice = `DELETE /v1/breakers/${route.route}/override lets the evidence decide again`;
    return { level: 'watch', text: `${text}, forced until ${override.until}${who}${why}`, advice };
  }
  if (problems.length > 0)
    return { level: 'person', text: `${text}, ${problems[0]}`, advice: 'provision again: node rabbitmq/provision.ts' };
  switch (state) {
    case 'open':
      return {
        level: 'person',
        text: `${text}, refused since ${route.since}`,
        advice: `nobody works on ${route.route}: start it; the gate closes by itself`,
      };
    case 'half_open':
      return { level: 'watch', text, advice: `messages for ${route.route} expire: it is slow or away` };
    default:
      return { level: 'fine', text };
  }
}

function parked({ routes }: StatusFacts): readonly StatusLine[] {
  if (typeof routes === 'string') return [];
  const total = routes.reduce((sum, route) => sum + route.parked, 0);
  if (total === 0) return [{ topic: 'parked', level: 'fine', text: 'nothing' }];
  const where = routes.filter((route) => route.parked > 0).map((route) => `${route.parked} for ${route.route}`);
  const advice = 'they go back by themselves when their route is closed; GET /v1/parked lists them';
  return [{ topic: 'parked', level: 'watch', text: where.join(', '), advice }];
}

function executors({ executors }: StatusFacts): StatusLine {
  const living = executors.filter(({ alive }) => alive);
  const line = { topic: 'executors', text: summaryOf(executors) };
  if (living.length < majorityOf(executors))
    return { ...line, level: 'person', advice: 'start the service executor, or look into its log' };
  if (!living.some(({ role }) => role === 'leader'))
    return { ...line, level: 'watch', advice: 'an election takes seconds; npm run executors shows it' };
  if (living.length === executors.length) return { ...line, level: 'fine' };
  return { ...line, level: 'watch', advice: 'npm run executors says who is silent' };
}

function deadLetters({ deadLetters }: StatusFacts): StatusLine {
  const topic = 'dead letters';
  const total = deadLetters.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return { topic, level: 'fine', text: 'none' };
  const [first] = deadLetters.toSorted((a, b) => b.count - a.count);
  const text = `${total} of ${deadLetters.length} ${deadLetters.length === 1 ? 'cause' : 'causes'}, most often ${first?.route}: ${first?.cause.slice(0, MAX_CAUSE)}`;
  return { topic, level: 'person', text, advice: 'npm run dead-letters -- causes, then replay or discard' };
}

function lasting(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 120) return `${s} s`;
  return s < 7200 ? `${Math.floor(s / 60)} min` : `${Math.floor(s / 3600)} h`;
}
