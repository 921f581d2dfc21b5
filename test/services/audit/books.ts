/** What the services would have stored of any number of orders that ended well, as documents of their collections. */
import type { Connection } from 'mongoose';
import { audit, type AuditOptions, type AuditParts } from '#services/audit/audit.ts';
import { createFindings, type AuditReport } from '#services/audit/report.ts';
import { type Audited, auditNames, auditSources } from '#services/audit/sources.ts';
import { gatewayAudit } from '#services/gateway/audit.ts';
import { notifyAudit } from '#services/notify/audit.ts';
import { orderAudit } from '#services/order/audit.ts';
import { paymentAudit } from '#services/payment/audit.ts';
import { entriesAudit, walletAudit } from '#services/wallet/audit.ts';
import { deliveryAudit } from '#services/delivery/audit.ts';
import { deliveriesCollection, type StoredDelivery } from '#services/delivery/model.ts';
import { notificationsCollection, type StoredNotification } from '#services/notify/model.ts';
import { ordersCollection, type StoredOrder } from '#services/order/model.ts';
import { paymentIdOf } from '#services/payment/contract.ts';
import { paymentIndexes, paymentsCollection, type StoredPayment } from '#services/payment/model.ts';
import { placeOrder } from '#services/saga/place-order-versions.ts';
import { logsAudit, sagaAudit } from '#services/saga/audit.ts';
import { orderLogsCollection, orderLogsIndexes, sagasCollection, type StoredSaga } from '#services/saga/model.ts';
import { logRows, type LoggedSaga } from '#services/saga/order-logs.ts';
import { holdIdOf } from '#services/wallet/contract.ts';
import { entryIdOf, type Entry, type EntryKind } from '#services/wallet/ledger.ts';
import { entriesCollection, entryIndexes, walletsCollection } from '#services/wallet/model.ts';
import { idAt } from '#shared/database/archive.ts';
import { systemClock } from '#shared/clock.ts';

export const AMOUNT = 1000;
export const CUSTOMER = 'customer-0';
/** Declined: its success was never told. */
const KINDS = ['completed', 'failed', 'cancelled', 'running'] as const;
type Kind = (typeof KINDS)[number];

const AT = Date.UTC(2026, 0, 2);
export const orderIdOf = (index: number): string => `${idAt(AT)}-7000-8000-${String(index).padStart(12, '0')}`;
export const COMPLETED = orderIdOf(0);
export const FAILED = orderIdOf(1);
export const CANCELLED = orderIdOf(2);
export const RUNNING = orderIdOf(3);
/** When the books were closed: long after all that ended, soon after what runs. */
export const NOW = AT + 3_600_000;
const HANGING_AFTER_MS = 60_000;

const total = { amount: AMOUNT, currency: 'EUR' } as const;

interface Stored {
  readonly _id: string;
  readonly version?: number;
  readonly state?: unknown;
}

/** Order `index`: a quarter each completed, failed after the capture, cancelled after the hold, and running. */
function orderBooks(index: number, customerId: string) {
  const orderId = orderIdOf(index);
  const kind: Kind = KINDS[index % KINDS.length]!;
  const at = kind === 'running' ? NOW - 5000 : AT;
  const paymentId = paymentIdOf(orderId);
  const holdId = holdIdOf(orderId);
  const details = { orderId, customerId, email: 'a@example.org', items: [], total, paymentMethod: 'pm_ok' };
  const placed = { details, createdAt: at, updatedAt: at + 1000 };
  const failure = { reason: 'declined', step: 'settle-payment' };
  const known = { details: { paymentId, orderId, customerId, amount: total, method: 'pm_ok' }, createdAt: at };
  const steps = (names: readonly string[]) => names.map((name) => ({ name, sentAt: at, answeredAt: at }));
  const undone = (names: readonly string[]) =>
    steps(names).map((step, index) => ({ ...step, ...(index === 0 && { undo: { sentAt: at, answeredAt: at } }) }));
  const upTo = (step: string): string[] => {
    const names = placeOrder.steps.map(({ name }) => name);
    return [placeOrder.start.name, ...names.slice(0, names.indexOf(step) + 1)];
  };
  const definition = { name: placeOrder.name, version: placeOrder.version };
  const mail = {
    outcome: kind === 'running' ? 'completed' : kind,
    kind: kind === 'running' ? 'completed' : kind,
    to: 'a@example.org',
    subject: '',
    messageId: `<${orderId}.${kind}@switchyard.example>`,
    acceptedAt: at + 900,
  } as const;
  const end = (outcome: 'completed' | 'failed' | 'cancelled', names: readonly string[]): StoredSaga['state'] => ({
    phase: 'ended',
    definition,
    outcome,
    endedAt: at + 1100,
    ...(outcome === 'completed' ? { steps: steps(names) } : { steps: undone(names), failure }),
  });
  const states = {
    completed: {
      order: { status: 'completed', ...placed, payment: { id: paymentId, status: 'settled' }, dispatchedAt: at + 900 },
      saga: end('completed', upTo('record-dispatch')),
      payment: { status: 'settled', ...known, holdId, captureId: `${holdId}:capture`, capturedAt: at },
      entries: ['hold', 'capture'],
    },
    failed: {
      order: { status: 'failed', ...placed, failure, payment: { id: paymentId, status: 'refunded' } },
      saga: end('failed', [...upTo('arrange-delivery'), placeOrder.finalNotice.name]),
      payment: { status: 'refunded', paymentId, orderId, reason: 'declined', ...known },
      entries: ['hold', 'capture', 'refund'],
    },
    cancelled: {
      order: { status: 'cancelled', ...placed, failure, payment: { id: paymentId, status: 'voided' } },
      saga: end('cancelled', [...upTo('hold-funds'), placeOrder.finalNotice.name]),
      payment: { status: 'voided', paymentId, orderId, reason: 'cancelled', ...known },
      entries: ['hold', 'release'],
    },
    running: {
      order: { status: 'pending', ...placed, payment: { id: paymentId, status: 'created' } },
      saga: {
        phase: 'running',
        definition,
        steps: steps(upTo('authorize-payment')),
        data: { ...details, parcel: [] },
        learned: {},
        current: 'authorize-payment',
        dueAt: at + 60_000,
      },
      payment: { status: 'created', ...known },
      entries: ['hold'],
    },
  } as const satisfies Record<
    Kind,
    {
      readonly order: StoredOrder['state'];
      readonly saga: StoredSaga['state'];
      readonly payment: StoredPayment['state'];
      readonly entries: readonly Exclude<EntryKind, 'top-up'>[];
    }
  >;
  const { order, saga, payment, entries } = states[kind];
  const isSent = kind === 'completed' || kind === 'failed';
  const delivery: StoredDelivery['state'] = {
    status: kind === 'completed' ? 'dispatched' : 'cancelled',
    orderId,
    reason: '',
    details: { orderId, customerId, items: [] },
    createdAt: at,
    dispatchedAt: at,
  };
  const accepted = { kind: 'order', state: 'confirmed', resourceId: orderId, createdAt: at };
  const one = <State>(state: State): readonly (Stored & { readonly version: number; readonly state: State })[] => [
    { _id: orderId, version: 1, state },
  ];
  return {
    documents: {
      requests: [{ _id: `request-${orderId}`, ...accepted }],
      [ordersCollection]: one(order),
      [sagasCollection]: one(saga),
      [orderLogsCollection]: logRows(orderId, saga as LoggedSaga).map((row) => ({ _id: row.id, ...row })),
      [paymentsCollection]: [{ _id: paymentId, version: 1, state: payment }],
      [deliveriesCollection]: isSent ? one(delivery) : [],
      [notificationsCollection]:
        kind === 'running' ? [] : one<StoredNotification['state']>({ orderId, mails: [mail], retracted: false }),
    } satisfies Record<string, readonly Stored[]>,
    moves: entries.map((move) => ({ id: entryIdOf(holdId, move), kind: move, orderId, holdId, at })),
    open: kind === 'running' ? [{ status: 'open', holdId, orderId, amount: AMOUNT }] : [],
  };
}

/** The documents of `count` orders of `customers` customers, in batches; the ledgers come last. */
function* books(count: number, customers: number): Generator<readonly [string, readonly Stored[]]> {
  const wallets = Array.from({ length: customers }, (_, index) => ({
    customerId: `customer-${index}`,
    entries: [] as Entry[],
    open: [] as object[],
  }));
  const write = (wallet: (typeof wallets)[number], entry: Pick<Entry, 'id' | 'kind' | 'at'>) =>
    wallet.entries.push({
      ...entry,
      customerId: wallet.customerId,
      currency: 'EUR',
      amount: entry.kind === 'top-up' ? count * AMOUNT : AMOUNT,
      seq: wallet.entries.length + 1,
    });
  for (const wallet of wallets) write(wallet, { id: `top-up-${wallet.customerId}`, kind: 'top-up', at: AT });
  const TOGETHER = 1000;
  for (let from = 0; from < count; from += TOGETHER) {
    const batch: Record<string, Stored[]> = {};
    for (let index = from; index < Math.min(count, from + TOGETHER); index += 1) {
      const wallet = wallets[index % customers]!;
      const { documents, moves, open } = orderBooks(index, wallet.customerId);
      for (const [collection, these] of Object.entries(documents)) (batch[collection] ??= []).push(...these);
      for (const move of moves) write(wallet, move);
      wallet.open.push(...open);
    }
    yield* Object.entries(batch);
  }
  for (const { customerId, entries, open } of wallets) {
    const sum = (kind: EntryKind): number =>
      entries.reduce((total, entry) => total + (entry.kind === kind ? entry.amount : 0), 0);
    const state = {
      customerId,
      currency: 'EUR',
      available: sum('top-up') - sum('hold') + sum('release') + sum('refund'),
      held: sum('hold') - sum('release') - sum('capture'),
      captured: sum('capture') - sum('refund'),
      entries: entries.length,
      holds: open,
      topUps: [],
      forgets: true,
    };
    yield [walletsCollection, [{ _id: customerId, version: 1, state }]];
    for (let from = 0; from < entries.length; from += TOGETHER)
      yield [entriesCollection, entries.slice(from, from + TOGETHER).map((entry) => ({ _id: entry.id, ...entry }))];
  }
}

export async function storeBooks(db: Connection, count: number, customers: number): Promise<number> {
  let stored = 0;
  await db.collection('requests').createIndex({ resourceId: 1 });
  for (const index of paymentIndexes) await db.collection(paymentsCollection).createIndex(index);
  for (const index of orderLogsIndexes) await db.collection(orderLogsCollection).createIndex(index);
  for (const index of entryIndexes) await db.collection(entriesCollection).createIndex(index);
  for (const [collection, documents] of books(count, customers)) {
    if (documents.length === 0) continue;
    await db.collection(collection).insertMany(documents as never);
    stored += documents.length;
  }
  return stored;
}

/** Those that the books are of; not the whole list, because how much memory an audit needs is measured without what a door loads. */
export const BOOKKEEPERS: readonly Audited[] = [
  { name: 'saga', audit: [sagaAudit, logsAudit] },
  { name: 'payment', audit: [paymentAudit] },
  { name: 'wallet', audit: [entriesAudit, walletAudit] },
  { name: 'delivery', audit: [deliveryAudit] },
  { name: 'notify', audit: [notifyAudit] },
  { name: 'order', audit: [orderAudit] },
  { name: 'gateway', audit: [gatewayAudit] },
];

export async function auditBooks(
  db: Connection,
  options: Partial<AuditOptions> & Partial<AuditParts> & { readonly limit?: number; readonly now?: number } = {},
): Promise<AuditReport> {
  const { limit = 100, hangingAfterMs = HANGING_AFTER_MS, graceMs = 0, now = NOW, ...parts } = options;
  const findings = createFindings(limit, auditNames(BOOKKEEPERS));
  const sources = auditSources(db, BOOKKEEPERS);
  const clock = { ...systemClock, now: () => now };
  await audit({ sources, clock, ...parts }, { hangingAfterMs, graceMs }, findings, new AbortController().signal);
  return findings.report();
}
