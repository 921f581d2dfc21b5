import type { AcceptedOrder, OrderFacts } from './facts.ts';
import { openRows, sideBySide, type Group, type Rows } from './side-by-side.ts';
import type { AuditedMails } from '#services/notify/view.ts';
import type { AuditedOrder } from '#services/order/view.ts';
import type { AuditedPayment } from '#services/payment/view.ts';
import type { AuditedSaga } from '#services/saga/view.ts';
import type { AuditedEntries, AuditedEntry, AuditedWallet } from '#services/wallet/view.ts';
import type { LedgerEntry } from './wallet-checks.ts';
import type { AuditedRow, AuditRule } from '#shared/audit-rule.ts';
import type { Source } from '#shared/database/pages.ts';

export interface OwnSource {
  readonly rule: AuditRule;
  readonly rows: Source<AuditedRow>;
}

/** Where an audit reads. */
export interface AuditSources {
  readonly accepted: Source<AcceptedOrder>;
  readonly sagas: Source<AuditedSaga>;
  readonly payments: Source<AuditedPayment>;
  readonly mails: Source<AuditedMails>;
  readonly entries: AuditedEntries;
  readonly orders: Source<AuditedOrder>;
  /** What single services say must hold, and what they have stored, by name. */
  readonly own: Readonly<Record<string, OwnSource>>;
  readonly wallets: Source<AuditedWallet>;
  /** By customer, each one's newest first. */
  ledger(size: number, customerId?: string): AsyncIterable<readonly LedgerEntry[]>;
}

type Kinds = {
  readonly accepted: AcceptedOrder;
  readonly sagas: AuditedSaga;
  readonly payments: AuditedPayment;
  readonly mails: AuditedMails;
  readonly entries: AuditedEntry;
  readonly orders: AuditedOrder;
};

/** The facts of every order. They are not of one moment, so what they show is but a suspicion. */
export async function* everyOrder(sources: AuditSources, size: number): AsyncGenerator<OrderFacts> {
  const opened: Rows<unknown>[] = [];
  const open = async <Row>(source: { pages(size: number): AsyncIterable<readonly Row[]> }): Promise<Rows<Row>> => {
    const rows = await openRows(source.pages(size));
    opened.push(rows);
    return rows;
  };
  const names = Object.keys(sources.own);
  async function openOwn(): Promise<Readonly<Record<string, Rows<KeyedRow>>>> {
    const all: Record<string, Rows<KeyedRow>> = {};
    for (const [name, { rows }] of Object.entries(sources.own)) all[keyOf(name)] = await open({ pages: keyed(rows) });
    return all;
  }
  try {
    const rows = {
      accepted: await open(sources.accepted),
      sagas: await open(sources.sagas),
      payments: await open(sources.payments),
      mails: await open(sources.mails),
      entries: await open(sources.entries),
      ...(await openOwn()),
      orders: await open(sources.orders),
    };
    for await (const group of sideBySide<Kinds>(rows)) yield factsOf(group.orderId, group.rows, names);
  } finally {
    for (const rows of opened) await rows.close();
  }
}

/**
 * The facts of these orders as they are now: the sagas first, so that all that an ended one brought about is in the rest;
 * the orders last, so that nothing is there before its order.
 */
export async function factsAgain(sources: AuditSources, known: readonly OrderFacts[]): Promise<readonly OrderFacts[]> {
  const ids = [...new Set(known.map(({ orderId }) => orderId))];
  const rows: { -readonly [Kind in keyof Kinds]?: readonly Kinds[Kind][] } = {};
  rows.accepted = await sources.accepted.of(ids);
  rows.sagas = await sources.sagas.of(ids);
  rows.payments = await sources.payments.of(ids);
  rows.mails = await sources.mails.of(ids);
  rows.entries = await sources.entries.of(ids, customersIn(known, rows.payments));
  const own: Record<string, readonly KeyedRow[]> = {};
  for (const [name, source] of Object.entries(sources.own))
    own[keyOf(name)] = (await source.rows.of(ids)).map(withOrder);
  rows.orders = await sources.orders.of(ids);
  const byOrder = Object.entries({ ...rows, ...own }).map(
    ([kind, all]) => [kind, Map.groupBy<string, { orderId: string }>(all, ({ orderId }) => orderId)] as const,
  );
  return ids.map((orderId) => {
    const mine = Object.fromEntries(byOrder.map(([kind, groups]) => [kind, groups.get(orderId) ?? []]));
    return factsOf(orderId, mine as unknown as Group<Kinds>, Object.keys(sources.own));
  });
}

function customersIn(known: readonly OrderFacts[], payments: readonly AuditedPayment[]): readonly string[] {
  const customers = known.flatMap(({ order, payments: before, entries }) => [
    ...(order?.placed ? [order.placed.customerId] : []),
    ...before.map(({ customerId }) => customerId),
    ...entries.map(({ customerId }) => customerId),
  ]);
  return [...new Set([...customers, ...payments.map(({ customerId }) => customerId)])];
}

/** A service's own row, as the others are read: with the order that it is about. */
type KeyedRow = AuditedRow & { readonly orderId: string };

const keyOf = (name: string): string => `own:${name}`;
const withOrder = (row: AuditedRow): KeyedRow => ({ ...row, orderId: row.about });

function keyed({ pages }: Source<AuditedRow>): (size: number) => AsyncIterable<readonly KeyedRow[]> {
  return async function* read(size) {
    for await (const page of pages(size)) yield page.map(withOrder);
  };
}

function factsOf(orderId: string, rows: Group<Kinds>, names: readonly string[]): OrderFacts {
  const own = rows as unknown as Readonly<Record<string, readonly KeyedRow[]>>;
  const { accepted, sagas, mails, orders } = rows;
  return {
    orderId,
    ...(accepted[0] && { accepted: accepted[0] }),
    ...(sagas[0] && { saga: sagas[0] }),
    payments: rows.payments,
    mails: mails[0]?.mails ?? [],
    entries: rows.entries,
    ...(orders[0] && { order: orders[0] }),
    own: Object.fromEntries(names.map((name) => [name, own[keyOf(name)] ?? []])),
  };
}
