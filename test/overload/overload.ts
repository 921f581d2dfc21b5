/** More orders than the stack can work off, in an open loop; what becomes of them, of the memory and of the latency afterwards. */
import { readFileSync } from 'node:fs';
import { fund } from '#local/commands/simulator/fund.ts';
import { planOf } from '#local/commands/simulator/plan.ts';
import { endLatencyMs, percentiles } from '#local/commands/simulator/report.ts';
import type { OrderResult, OrderRow } from '#local/commands/simulator/result.ts';
import { simulate } from '#local/commands/simulator/run.ts';
import { verdictOf } from '#local/commands/simulator/verdict.ts';
import { auditOver } from '#local/commands/audit.ts';
import type { ExecutorView } from '#services/executor/shapes.ts';
import { systemClock as clock } from '#shared/clock.ts';
import { startStack, type TestStack } from '#test/support/stack.ts';

export interface OverloadOptions {
  readonly seed: number;
  readonly seconds: number;
  /** Of the capacity. */
  readonly times: number;
  readonly say: (text: string) => void;
}

export interface OverloadReport {
  readonly capacityPerS: number;
  /** Accepted orders that ended while it lasted. */
  readonly endedPerS: number;
  /** Of an order that was accepted in the overload, from when it was sent until it ended. */
  readonly longestMs: number;
  /** By what the gateway answered. */
  readonly answers: ReadonlyMap<string, number>;
  /** Orders refused although there was room, accepted ones that did not end as they must, and what the audit found. */
  readonly violations: readonly string[];
  readonly calmP50Ms: number;
  /** Of the executors, while it lasted and afterwards. */
  readonly elections: number;
  /** From the end of the overload until orders take no longer than twice as long as before. */
  readonly recoveredAfterMs: number | undefined;
  /** Of each process, MiB: before, and the most. */
  readonly memory: ReadonlyMap<string, { readonly before: number; readonly most: number }>;
}

const CALM_SHARE = 0.2;
const CALM_S = 10;
const RECOVERY_S = 40;
/** More than any machine of today works off; what is too much is refused. */
const PROBE_PER_S = 400;
const PROBE_S = 5;
const WARM_UP_PER_S = 60;
const WARM_UP_S = 15;
/** Until a gateway that took fewer orders takes all of them. */
const REST_S = 11;

export async function overload({ seed, seconds, times, say }: OverloadOptions): Promise<OverloadReport> {
  await using stack = await startStack({
    processes: 'one-each',
    ownBroker: true,
    ownDatabase: true,
    workers: { executor: 3 },
    env: { GATEWAY_MAX_WAIT_MS: '200' },
  });
  const { api } = stack;
  let runs = 0;
  /** The wallets are filled beforehand: a customer in the middle of the overload waits like everybody. */
  async function prepared(ratePerS: number, forS: number): Promise<() => Promise<OrderResult>> {
    runs += 1;
    const count = Math.ceil(ratePerS * forS);
    // Orders that end by themselves at once: what waits for a deadline says nothing of capacity.
    const mix = { ok: 8, declined: 1, short_funds: 1 };
    const plan = planOf({ seed: seed + runs, ratePerS, count, customers: 50, mix, names: `load-${seed}-${runs}` });
    const own = clock.id();
    await fund({ api, clock, run: own }, plan.customers);
    return () => simulate({ api, plan: { ...plan, customers: [] }, run: own, maxOutstanding: 5000, limitMs: 300_000 });
  }
  const run = async (ratePerS: number, forS: number) => (await prepared(ratePerS, forS))();

  await run(WARM_UP_PER_S, WARM_UP_S);
  await clock.sleep(REST_S * 1000);
  const probed = await run(PROBE_PER_S, PROBE_S);
  const capacityPerS = throughput(probed.rows);
  say(`capacity: ${capacityPerS.toFixed(0)} orders a second`);
  const termBefore = await newestTerm(stack);
  const before = memoryOf(stack);
  const most = new Map(before);
  const watching = watchMemory(stack, most);
  const calm = await run(capacityPerS * CALM_SHARE, CALM_S);
  const calmP50Ms = p50(calm.rows);
  say(`calm: p50 ${calmP50Ms} ms`);
  const flood = await prepared(capacityPerS * times, seconds);
  const afterwards = await prepared(capacityPerS * CALM_SHARE, RECOVERY_S);
  const flooding = flood();
  await clock.sleep(seconds * 1000);
  const overAt = clock.now();
  const after = await afterwards();
  const flooded = await flooding;
  watching.stop();

  const rows = [...probed.rows, ...calm.rows, ...flooded.rows, ...after.rows];
  const violations = rows
    .filter((row) => ['wrong', 'hanging'].includes(verdictOf(row)))
    .map((row) => `order ${row.n} (${row.kind}): ${row.outcome} ${row.reason ?? ''} ${row.orderId ?? ''}`);
  const idle = calm.rows.filter(({ outcome }) => outcome === 'refused').length;
  if (idle > 0) violations.push(`${idle} orders refused at a fifth of the capacity`);
  const elections = (await newestTerm(stack)) - termBefore;
  if (elections > 0) violations.push(`${elections} elections of executors, and nothing was wrong with any`);
  const audit = await auditOver(api, { hangingAfterMs: 0 });
  violations.push(...audit.items.map((item) => `audit: ${JSON.stringify(item)}`));
  return {
    capacityPerS,
    endedPerS: flooded.rows.filter(({ endedAt = Infinity }) => endedAt <= overAt).length / seconds,
    longestMs: Math.max(0, ...flooded.rows.flatMap((row) => endLatencyMs(row) ?? [])),
    answers: countBy(flooded.rows, ({ outcome, httpStatus, reason }) =>
      outcome === 'refused' ? `refused ${httpStatus} ${reason}` : outcome,
    ),
    violations,
    elections,
    calmP50Ms,
    recoveredAfterMs: recovery(after.rows, overAt, 2 * calmP50Ms),
    memory: new Map([...before].map(([name, mib]) => [name, { before: mib, most: most.get(name) ?? mib }])),
  };
}

/** Of all executors; every election raises it. */
async function newestTerm({ api }: TestStack): Promise<number> {
  const { body } = await api.get<readonly ExecutorView[]>('/v1/executors');
  return Math.max(...body.map(({ term }) => term));
}

/** Orders that ended a second between the 20th and the 80th percentile of the ends. */
function throughput(rows: readonly OrderRow[]): number {
  const ends = rows.flatMap(({ endedAt }) => endedAt ?? []).toSorted((a, b) => a - b);
  const [from, to] = [Math.floor(ends.length * 0.2), Math.floor(ends.length * 0.8)];
  return ((to - from) * 1000) / (ends[to]! - ends[from]!);
}

function p50(rows: readonly OrderRow[]): number {
  return percentiles(rows.flatMap((row) => endLatencyMs(row) ?? []))?.p50 ?? Infinity;
}

/** The start of the first second from which on the p50 of every second stays within the limit and nothing is refused. */
function recovery(rows: readonly OrderRow[], since: number, limitMs: number): number | undefined {
  const seconds = Map.groupBy(rows, ({ dueAt }) => Math.floor((dueAt - since) / 1000));
  const bad = [...seconds]
    .filter(([, of]) => of.some(({ outcome }) => outcome === 'refused') || p50(of) > limitMs)
    .map(([second]) => second);
  const recovered = Math.max(-1, ...bad) + 1;
  return seconds.has(recovered) ? recovered * 1000 : undefined;
}

function countBy(rows: readonly OrderRow[], nameOf: (row: OrderRow) => string): ReadonlyMap<string, number> {
  return new Map([...Map.groupBy(rows, nameOf)].map(([name, of]) => [name, of.length]));
}

function memoryOf(stack: TestStack): Map<string, number> {
  return new Map(
    [...Object.keys(stack.urls), 'broker', 'database'].flatMap((name) => {
      const mib = residentMib(stack.process(name).pid());
      return mib === undefined ? [] : [[name, mib] as const];
    }),
  );
}

function watchMemory(stack: TestStack, most: Map<string, number>): { stop(): void } {
  let cancel = clock.after(0, function look() {
    for (const [name, mib] of memoryOf(stack)) most.set(name, Math.max(mib, most.get(name) ?? 0));
    cancel = clock.after(500, look);
  });
  return { stop: () => cancel() };
}

function residentMib(pid: number | undefined): number | undefined {
  try {
    return Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024);
  } catch {
    return undefined;
  }
}
