import type { CheckName, Finding, OrderFacts, OwnRules } from './facts.ts';
import type { AuditedSaga } from '#services/saga/view.ts';
import type { AuditedEntry } from '#services/wallet/view.ts';
import type { AuditedThing } from '#shared/audit-rule.ts';

export interface At {
  /** Epoch ms. */
  readonly now: number;
  /** How old an order may be that has not ended. */
  readonly hangingAfterMs: number;
}

const CLOSING_STEP = 'tell-customer';
const LIVE: readonly string[] = ['created', 'authorized', 'settled'];
const ENDED: readonly string[] = ['completed', 'failed', 'cancelled'];

/**
 * What is wrong with one order. Holds for facts of which the saga was read first and the order last: what an ended saga
 * has brought about is then in them.
 */
export function checkOrder(facts: OrderFacts, at: At, rules: OwnRules): readonly Finding[] {
  return [
    ...found('hanging', hanging(facts, at)),
    ...found('orphan', orphan(facts)),
    ...found('one-payment', onePayment(facts)),
    ...found('one-capture', oneCapture(facts)),
    ...found('mails', mails(facts)),
    ...(facts.saga?.phase === 'ended' ? atTheEnd(facts, facts.saga.outcome) : []),
    ...Object.entries(rules).flatMap(([name, { check }]) => check(facts.own[name] ?? [], thingOf(facts))),
  ];
}

/** What the rule of a single service may know of the order. */
function thingOf({ order, saga }: OrderFacts): AuditedThing {
  return {
    exists: order?.placed !== undefined,
    outcome: saga?.phase === 'ended' ? saga.outcome : undefined,
    steps: saga?.steps.map(({ name }) => name) ?? [],
  };
}

function found(check: CheckName, details: readonly string[]): readonly Finding[] {
  return details.map((detail) => ({ check, detail }));
}

function hanging({ accepted, order, saga }: OrderFacts, { now, hangingAfterMs }: At): readonly string[] {
  const since = order?.placed?.createdAt ?? accepted?.acceptedAt;
  if (since === undefined || now - since <= hangingAfterMs) return [];
  const orderEnded = order !== undefined && ENDED.includes(order.status);
  // An order that was undone before it was placed ends without a saga.
  if (orderEnded && (saga?.phase === 'ended' || (saga === undefined && order.status !== 'completed'))) return [];
  const is = order?.placed === undefined ? 'was accepted and does not exist' : `is ${order.status}`;
  const where = saga?.current === undefined ? '' : ` at ${saga.current}`;
  const its = saga === undefined ? 'its saga has not begun' : `its saga is ${saga.phase}${where}`;
  return [`${is}, ${its}, ${now - since} ms after it was accepted`];
}

/** What there is of an order that does not exist. */
function orphan({ order, saga, payments, mails, entries }: OrderFacts): readonly string[] {
  if (order?.placed !== undefined) return [];
  return [
    ...(saga ? [`its saga is ${saga.phase}`] : []),
    ...payments.filter(({ status }) => LIVE.includes(status)).map(({ id, status }) => `payment ${id} is ${status}`),
    ...(mails.length > 0 ? [`${mails.length} mails were sent`] : []),
    ...(entries.length > 0 ? [`the ledger has ${entries.length} entries of it`] : []),
  ].map((what) => `there is no such order, and ${what}`);
}

function onePayment({ order, payments }: OrderFacts): readonly string[] {
  const wrong = payments.length > 1 ? [`${payments.length} payments: ${payments.map(({ id }) => id).join(', ')}`] : [];
  const { placed } = order ?? {};
  if (placed === undefined) return wrong;
  const { total, customerId } = placed;
  for (const payment of payments) {
    const { id, amount } = payment;
    if (amount.amount !== total.amount || amount.currency !== total.currency)
      wrong.push(`payment ${id} is over ${shown(amount)}, the order over ${shown(total)}`);
    if (payment.customerId !== customerId) wrong.push(`payment ${id} is ${payment.customerId}'s, not ${customerId}'s`);
  }
  return wrong;
}

function oneCapture({ order, entries }: OrderFacts): readonly string[] {
  const [holds, releases, captures, refunds] = (['hold', 'release', 'capture', 'refund'] as const).map((kind) =>
    of(entries, kind),
  ) as [Sum, Sum, Sum, Sum];
  const wrong: string[] = [];
  if (holds.count > 1 || releases.count + captures.count > holds.count || refunds.count > captures.count)
    wrong.push(
      `${holds.count} holds, ${releases.count} releases, ${captures.count} captures, ${refunds.count} refunds`,
    );
  const amounts = new Set(entries.map(({ amount, currency }) => shown({ amount, currency })));
  if (amounts.size > 1) wrong.push(`its entries are over different amounts: ${[...amounts].join(', ')}`);
  const { placed } = order ?? {};
  if (placed !== undefined && amounts.size === 1 && !amounts.has(shown(placed.total)))
    wrong.push(`its entries are over ${[...amounts].join()}, the order over ${shown(placed.total)}`);
  const owners = entries.filter(({ customerId }) => placed !== undefined && customerId !== placed.customerId);
  for (const { id, customerId } of owners) wrong.push(`entry ${id} is in the wallet of ${customerId}`);
  return wrong;
}

/** At most one mail per outcome, one end, and after a success mail only a correction. */
function mails({ mails, saga }: OrderFacts): readonly string[] {
  const wrong: string[] = [];
  const outcomes = mails.map(({ outcome }) => outcome);
  const ids = mails.map(({ messageId }) => messageId);
  if (new Set(outcomes).size < outcomes.length || new Set(ids).size < ids.length)
    wrong.push(`mails sent twice: ${outcomes.join(', ')}`);
  const [first, ...later] = mails;
  for (const { outcome, kind } of later)
    if (first?.outcome !== 'completed' || kind !== 'correction')
      wrong.push(`after the mail ${first?.outcome} came ${kind} (${outcome})`);
  const told = outcomes.filter((outcome) => outcome !== 'completed');
  const outcome = saga?.outcome;
  if (outcome !== undefined && told.some((one) => one !== outcome))
    wrong.push(`it ended ${outcome}, its customer was told ${told.join(', ')}`);
  return wrong;
}

function atTheEnd(facts: OrderFacts, outcome: AuditedSaga['outcome']): readonly Finding[] {
  if (facts.order?.placed === undefined) return [];
  return [
    ...found('agreement', agreement(facts, outcome)),
    ...(outcome === 'completed' ? found('completed', completed(facts)) : found('undone', undone(facts, outcome))),
  ];
}

/** The order and its payment are what the saga made of them. */
function agreement({ order, payments }: OrderFacts, outcome: AuditedSaga['outcome']): readonly string[] {
  const wrong = order?.status === outcome ? [] : [`the saga ended ${outcome}, the order is ${order?.status}`];
  const told = order?.placed?.payment;
  const actual = payments.find(({ id }) => id === told?.id);
  if (told !== undefined && told.status !== actual?.status)
    wrong.push(`the order's payment ${told.id} is ${told.status}, the payment itself ${actual?.status ?? 'absent'}`);
  return wrong;
}

function completed({ order, payments, mails, entries }: OrderFacts): readonly string[] {
  const wrong: string[] = [];
  if (payments.filter(({ status }) => status === 'settled').length !== 1)
    wrong.push(`its payment is ${payments.map(({ status }) => status).join(', ') || 'absent'}, not settled`);
  const taken = of(entries, 'capture').amount - of(entries, 'refund').amount;
  const total = order?.placed?.total.amount ?? 0;
  if (taken !== total) wrong.push(`${taken} of ${total} were taken`);
  if (!mails.some(({ outcome }) => outcome === 'completed')) wrong.push('its customer was not told');
  if (order?.placed?.payment?.status !== 'settled')
    wrong.push(`by the order, its payment is ${order?.placed?.payment?.status ?? 'absent'}, not settled`);
  if (order?.placed?.dispatchedAt === undefined) wrong.push('the dispatch of its mail is not recorded');
  return wrong;
}

function undone({ payments, saga, mails, entries }: OrderFacts, outcome: AuditedSaga['outcome']): string[] {
  const wrong = payments
    .filter(({ status }) => LIVE.includes(status))
    .map(({ id, status }) => `payment ${id} is still ${status}`);
  const captured = of(entries, 'capture').amount;
  const taken = captured - of(entries, 'refund').amount;
  const held = of(entries, 'hold').amount - of(entries, 'release').amount - captured;
  if (taken !== 0) wrong.push(`${taken} are still taken`);
  if (held !== 0) wrong.push(`${held} are still held`);
  const wasTold = saga?.steps.some(({ name, end }) => name === CLOSING_STEP && end === undefined) === true;
  if (wasTold && !mails.some((mail) => mail.outcome === outcome)) wrong.push('its customer was not told');
  return wrong;
}

interface Sum {
  readonly count: number;
  readonly amount: number;
}

function of(entries: readonly AuditedEntry[], kind: AuditedEntry['kind']): Sum {
  const those = entries.filter((entry) => entry.kind === kind);
  return { count: those.length, amount: those.reduce((sum, { amount }) => sum + amount, 0) };
}

function shown({ amount, currency }: { readonly amount: number; readonly currency: string }): string {
  return `${amount} ${currency}`;
}
