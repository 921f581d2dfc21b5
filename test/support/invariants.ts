/** The invariants of a run at rest. Each checker names what is wrong; nothing means that the invariant holds. */
import type { Shelf } from './stock-invariants.ts';
import type { Mail } from './place.ts';
import { holdIdOf } from '#services/wallet/contract.ts';
import type { Definition } from '#shared/saga/definition.ts';
import type { OrderView } from '#services/order/view.ts';
import type { PaymentView } from '#services/payment/view.ts';
import type { SagaTimeline as Timeline } from '#shared/saga/timeline-shape.ts';
import type { EntryView, WalletView } from '#services/wallet/view.ts';

export interface Told {
  readonly order: OrderView;
  readonly timeline: Timeline;
  readonly payments: readonly PaymentView[];
  readonly mails: readonly Mail[];
  /** The statuses in which the order was seen, in that order. */
  readonly seen: readonly string[];
}

export interface Purse {
  readonly wallet: WalletView;
  readonly entries: readonly EntryView[];
}

/** What is to be read when everything has ended. */
export interface Rest {
  readonly orders: readonly Told[];
  readonly purses: readonly Purse[];
  readonly shelves: readonly Shelf[];
  /** What the test itself paid in, by customer. */
  readonly paidIn: Readonly<Record<string, number>>;
  /** The address in requests that were certainly refused: 4xx or 503. */
  readonly refusedEmails: ReadonlySet<string>;
  /** Notify died, so that a mail may have been accepted and not recorded. */
  readonly notifyDied: boolean;
  /** Orders whose mail was given up after its last try and is known to be. One that is completed owes its mail all the same. */
  readonly untold?: ReadonlySet<string>;
}

export type Checker = (rest: Rest) => readonly string[];

const sum = (entries: readonly EntryView[], kind: EntryView['kind']): number =>
  entries.filter((entry) => entry.kind === kind).reduce((total, { amount }) => total + amount, 0);

export const i1MoneyIsKept: Checker = ({ purses, paidIn }) =>
  purses.flatMap(({ wallet, entries }) => {
    const { customerId, available, held } = wallet;
    const total = (kind: EntryView['kind']): number => sum(entries, kind);
    const captured = total('capture') - total('refund');
    const open = total('hold') - total('release') - total('capture');
    const wrong: string[] = [];
    if (total('top-up') !== paidIn[customerId])
      wrong.push(`${customerId}: topped up ${total('top-up')}, paid in ${paidIn[customerId]}`);
    if (available.amount + held.amount + captured !== total('top-up'))
      wrong.push(`${customerId}: ${available.amount} + ${held.amount} + ${captured} is not ${total('top-up')}`);
    if (held.amount !== open) wrong.push(`${customerId}: held ${held.amount}, by its entries ${open}`);
    if (new Set(entries.map(({ id }) => id)).size !== entries.length) wrong.push(`${customerId}: an entry came twice`);
    return wrong;
  });

export const i2NothingIsNegative: Checker = ({ purses }) =>
  purses
    .filter(({ wallet }) => wallet.available.amount < 0 || wallet.held.amount < 0)
    .map(({ wallet }) => `${wallet.customerId}: ${wallet.available.amount} available, ${wallet.held.amount} held`);

export const i3HoldsResolveOnce: Checker = ({ purses }) =>
  purses.flatMap(({ wallet, entries }) => [
    ...(wallet.held.amount === 0 ? [] : [`${wallet.customerId}: ${wallet.held.amount} still held`]),
    ...byOrder(entries).flatMap(([orderId, of]) => {
      const [holds, resolved] = [count(of, 'hold'), count(of, 'release') + count(of, 'capture')];
      return resolved === holds ? [] : [`${orderId}: ${holds} holds, resolved ${resolved} times`];
    }),
  ]);

export const i4OneCapture: Checker = ({ purses }) =>
  purses.flatMap(({ entries }) =>
    byOrder(entries).flatMap(([orderId, of]) => {
      const [captures, refunds] = [count(of, 'capture'), count(of, 'refund')];
      if (captures > 1 || refunds > captures) return [`${orderId}: ${captures} captures, ${refunds} refunds`];
      return refunds === 1 && sum(of, 'refund') !== sum(of, 'capture') ? [`${orderId}: refunded another amount`] : [];
    }),
  );

export const i5PaidIfCompleted: Checker = ({ orders, purses }) => {
  const entries = purses.flatMap((purse) => purse.entries);
  return orders.flatMap(({ order, payments }) => {
    const of = entries.filter(({ orderId }) => orderId === order.id);
    const paid = sum(of, 'capture') - sum(of, 'refund');
    const owed = order.status === 'completed' ? order.total.amount : 0;
    const wrong = paid === owed ? [] : [`${order.id} ${order.status}: paid ${paid} of ${owed}`];
    const settled = payments.filter(({ status }) => status === 'settled').length;
    const standing = payments.filter(({ status }) => status !== 'voided').length;
    if (settled !== (order.status === 'completed' ? 1 : 0) || standing > 1)
      wrong.push(`${order.id} ${order.status}: payments ${payments.map(({ status }) => status).join()}`);
    return wrong;
  });
};

/** What an order says of its payment is what became of the payment; a completed one says when it was captured. */
export const sg9PaymentIsStored: Checker = ({ orders }) =>
  orders.flatMap(({ order, payments }) => {
    const { payment, status } = order;
    const actual = payments.find(({ id }) => id === payment?.id)?.status;
    const isStored = payment?.status === 'settled' && payment.capturedAt !== undefined;
    const holds = (status !== 'completed' || isStored) && payment?.status === actual;
    return holds ? [] : [`${order.id} ${status}: says ${payment?.status}, its payment is ${actual}`];
  });

const NEXT: Readonly<Record<string, readonly string[]>> = {
  // Polling may miss `paid`.
  pending: ['paid', 'completed', 'failed', 'cancelled'],
  paid: ['completed', 'failed', 'cancelled'],
};

export const i7LegalPath: Checker = ({ orders }) =>
  orders.flatMap(({ order, timeline, seen }) => {
    const path = [...seen, order.status].filter((status, index, all) => status !== all[index - 1]);
    const wrong = path
      .slice(1)
      .filter((status, index) => !NEXT[path[index]!]?.includes(status))
      .map((status) => `${order.id}: ${path.join(' -> ')} is no path at ${status}`);
    if (NEXT[order.status] !== undefined) wrong.push(`${order.id}: still ${order.status}`);
    if (timeline.state !== order.status) wrong.push(`${order.id}: ${order.status}, its saga ${timeline.state}`);
    return wrong;
  });

export const i8RefusedLeavesNothing: Checker = ({ orders, refusedEmails }) =>
  orders
    .filter(({ order }) => refusedEmails.has(order.email))
    .map(({ order }) => `${order.id}: was refused and exists`);

/**
 * Compensations mirror what was sent and not refused, newest first (a timeline lists its steps as they were done), each naming its own
 * effect; what an earlier try sent is undone as well, also when a later one completes.
 */
export function i9MirroredUndo({ start, steps }: Definition): Checker {
  const undoOf = (name: string) => {
    const undo = steps.find((step) => step.name === name.replace(/\/.*/, ''))?.undo;
    return undo?.kind === 'own' ? undo.command.name : undefined;
  };
  return ({ orders }) =>
    orders.flatMap(({ order, timeline }) => {
      const refused = new Set(timeline.steps.filter(({ state }) => state === 'refused').map(({ name }) => name));
      const sent = effectsIn(order.id, timeline);
      // What is pending now was sent in an earlier try at most.
      const pending = new Set(timeline.steps.filter(({ state }) => state === 'pending').map(({ name }) => name));
      const newest = new Map(sent.filter(({ name }) => !pending.has(name)).map((one) => [one.name, one]));
      const of = ({ name, id }: SentEffect): readonly string[] => {
        const undo = undoOf(name);
        return undo === undefined ? [] : [`${undo} of ${id}`];
      };
      const earlier = sent.filter((one) => newest.get(one.name) !== one).flatMap(of);
      const current = timeline.steps.flatMap(({ name }) => {
        const one = newest.get(name);
        return one === undefined || refused.has(name) ? [] : of(one);
      });
      const owed = [`${start.undo!.command.name} of ${start.effectId(order.id)}`, ...current].toReversed();
      const done = timeline.compensations.map(({ message, of: effect }) => `${message} of ${effect}`);
      const expected = order.status === 'completed' ? [] : owed;
      const mirrored = done.slice(earlier.length);
      const unfinished = timeline.compensations.filter(({ state }) => state !== 'undone');
      return JSON.stringify(mirrored) === JSON.stringify(expected) &&
        JSON.stringify(done.slice(0, earlier.length).toSorted()) === JSON.stringify(earlier.toSorted()) &&
        unfinished.length === 0
        ? []
        : [`${order.id} ${order.status}: undone ${done.join(', ')}; owed ${[...earlier, ...expected].join(', ')}`];
    });
}

interface SentEffect {
  readonly name: string;
  readonly id: string;
  /** Which message of its step it is. Times do not tell which is the later one: clocks jump. */
  readonly number: number;
}

/** What was sent forward and not refused before a later try; of a step the oldest first. */
function effectsIn(orderId: string, { messages }: Timeline): readonly SentEffect[] {
  const dos = messages
    .flatMap(({ id, direction }): readonly SentEffect[] => {
      const [, name, number = '1'] =
        (direction === 'sent' && /^(.+?)(?:#(\d+))?:do$/.exec(id.slice(orderId.length + 1))) || [];
      return name === undefined ? [] : [{ name, id, number: Number(number) }];
    })
    .toSorted((a, b) => a.number - b.number);
  const isRefused = ({ id, name }: SentEffect): boolean =>
    dos.findLast((one) => one.name === name)?.id !== id &&
    messages.some((one) => one.id.startsWith(`${id}>`) && /refused|declined/.test(one.type));
  return dos.filter((one) => !isRefused(one));
}

export const i10OneMailPerOutcome: Checker = ({ orders, notifyDied, untold }) =>
  orders.flatMap(({ order, mails }) => {
    const kinds = [...new Set(mails.map(({ messageId }) => messageId ?? ''))];
    const ofOutcome = kinds.filter((id) => id.includes(`.${order.status}@`)).length;
    const others = kinds.filter((id) => !id.includes(`.${order.status}@`) && !id.includes('.completed@'));
    const wrong: string[] = [];
    const isGivenUp = ofOutcome === 0 && order.status !== 'completed' && untold?.has(order.id) === true;
    if ((ofOutcome !== 1 && !isGivenUp) || others.length > 0)
      wrong.push(`${order.id} ${order.status}: mails ${kinds.join()}`);
    if (mails.length > kinds.length && !notifyDied)
      wrong.push(`${order.id}: ${mails.length} copies of ${kinds.length} mails`);
    if (mails.some(({ to }) => to[0]?.address !== order.email)) wrong.push(`${order.id}: a mail went elsewhere`);
    return wrong;
  });

function byOrder(entries: readonly EntryView[]): readonly (readonly [string, readonly EntryView[]])[] {
  return Object.entries(
    Object.groupBy(
      entries.filter(({ orderId }) => orderId !== undefined),
      ({ orderId }) => holdIdOf(orderId!),
    ),
  ).map(([holdId, of]) => [holdId, of ?? []] as const);
}

function count(entries: readonly EntryView[], kind: EntryView['kind']): number {
  return entries.filter((entry) => entry.kind === kind).length;
}
