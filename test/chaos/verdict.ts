/** What became of the orders of a chaos run, and what of it must not be. */
import { auditOver } from '#local/commands/audit.ts';
import { checkoutFaults } from './checkouts.ts';
import type { CheckoutPlan } from '#local/commands/simulator/checkout-plan.ts';
import type { CheckoutRow } from '#local/commands/simulator/checkout-verdict.ts';
import { type Customer, emailOf } from '#local/commands/simulator/plan.ts';
import type { OrderRow } from '#local/commands/simulator/result.ts';
import { verdictOf } from '#local/commands/simulator/verdict.ts';
import type { QueuedOrderView } from '#services/executor/shapes.ts';
import { patientManagement } from '#test/support/management.ts';
import type { Shop } from '#test/support/place.ts';
import { checkers, readRest } from '#test/support/rest.ts';
import type { TestStack } from '#test/support/stack.ts';
import { until } from '#test/support/until.ts';

export interface ChaosVerdict {
  readonly violations: readonly string[];
  /** How the requests and the orders ended, retries, compensations, mails. */
  readonly counts: ReadonlyMap<string, number>;
}

interface Judged {
  readonly stack: TestStack;
  readonly shop: Shop;
  /** Everybody who was given money. */
  readonly customers: readonly Customer[];
  readonly rows: readonly OrderRow[];
  readonly checkoutPlan: CheckoutPlan;
  readonly checkouts: readonly CheckoutRow[];
}

const WAITING = /\.(\d{3}|delay|expired|parked)$/;

/** Reads the orders, the ledger, the mailbox, the audit and the broker's counters. */
export async function judge(judged: Judged): Promise<ChaosVerdict> {
  const { stack, shop, customers, rows, checkoutPlan, checkouts } = judged;
  const violations: string[] = rows
    .filter((row) => ['wrong', 'hanging'].includes(verdictOf(row)))
    .map((row) => `order ${row.n} (${row.kind}): ${row.outcome} ${row.reason ?? ''} ${row.orderId ?? ''}`);
  violations.push(...(await leftOver(stack)));
  const traffic = {
    seen: new Map(rows.flatMap(({ orderId, seen }) => (orderId === undefined ? [] : [[orderId, seen] as const]))),
    paidIn: Object.fromEntries(customers.map(({ id, fundsMinor }) => [id, fundsMinor])),
    refused: new Set(rows.filter(({ outcome }) => outcome === 'refused').map(emailOf)),
  };
  const rest = await readRest(shop, traffic, true);
  for (const [name, check] of Object.entries(checkers))
    violations.push(...check(rest).map((what) => `${name}: ${what}`));
  const queue = await shop.all<QueuedOrderView>('/v1/order-queue');
  const orders = rest.orders.map(({ order }) => order);
  violations.push(...checkoutFaults({ plan: checkoutPlan, rows: checkouts, queue, orders }));
  const audit = await auditOver(stack.api, { hangingAfterMs: 0 });
  violations.push(...audit.items.map((item) => `audit: ${JSON.stringify(item)}`));
  const dead = await shop.all<{ readonly route: string; readonly cause: string }>('/v1/dead-letters');

  const counts = new Map<string, number>();
  const add = (what: string, n: number): void => void counts.set(what, (counts.get(what) ?? 0) + n);
  for (const { outcome } of rows) add(`requests ${outcome}`, 1);
  for (const { decision } of checkouts) add(`checkouts ${decision.replace('_', ' ')}`, 1);
  add('checkouts given up on the way', checkouts.flatMap(({ givenUp = [] }) => givenUp).length);
  add('orders', rest.orders.length);
  add(
    'compensations',
    rest.orders.reduce((sum, { timeline }) => sum + timeline.compensations.length, 0),
  );
  add(
    'mails',
    rest.orders.reduce((sum, { mails }) => sum + mails.length, 0),
  );
  add('retries of handlers', stack.logs().filter((line) => line.includes('handler failed')).length);
  for (const { route, cause } of dead) add(`dead letters (${route}: ${cause})`, 1);
  return { violations, counts };
}

/** Resolves when no queue of commands holds anything any more, or tells which do. */
async function leftOver({ managementUrl, vhost }: TestStack): Promise<readonly string[]> {
  const management = patientManagement(managementUrl);
  const read = async (): Promise<readonly string[]> =>
    ((await management.get<readonly { name: string; messages?: number }[]>(`/queues/${vhost}`)) ?? [])
      .filter(({ name, messages = 0 }) => WAITING.test(name) && messages > 0)
      .map(({ name, messages }) => `I-15: ${messages} messages are left in ${name}`);
  try {
    return await until('the queues are empty', read, (left) => left.length === 0, { limitMs: 90_000, everyMs: 1000 });
  } catch {
    return read();
  }
}
