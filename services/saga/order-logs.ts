import type { OrderData, OrderLearned } from './order-data.ts';
import type { Context, Entity, Handle, JournalRecord, Result } from '#shared/entity/entity.ts';
import { wholeOf } from '#shared/saga/fan-out.ts';
import type { SagaState, StepRecord } from '#shared/saga/state.ts';
import type { SagaRefusal } from '#shared/saga/step.ts';

type OrderSaga = SagaState<OrderData, OrderLearned>;

/** What may be logged of an order. */
export const loggedStatuses = [
  'pending',
  'reserved',
  'paid',
  'retrying',
  'released',
  'processed',
  'failed',
  'cancelled',
] as const;
export type LoggedStatus = (typeof loggedStatuses)[number];

/** A change that happened to an order, as its saga keeps it. */
export interface LoggedChange {
  readonly status: LoggedStatus;
  /** Epoch ms; never before that of the change above it, whatever the clocks of the workers say. */
  readonly at: number;
  /** Why it failed, or is tried again. */
  readonly errorMessage?: string;
}

/** The same as a row of `order_logs`: immutable, with an id that follows from the order and the place in its log. */
export interface LogRow extends JournalRecord, LoggedChange {
  /** `<order>:<seq>`. */
  readonly id: string;
  readonly orderId: string;
  /** From 1, without gaps. */
  readonly seq: number;
}

/** The saga of an order with its log so far. Absent in one that nothing has happened to since there are logs. */
export type LoggedSaga = OrderSaga & { readonly log?: readonly LoggedChange[] };

/** It has a part for each SKU of the order. */
const RESERVES = 'reserve-stock';
const PAYS = 'settle-payment';
/** All error messages of a log together, before the long ones are replaced by their beginnings. */
const DETAILS_BYTES = 8_400;

interface Change extends Pick<LoggedChange, 'status' | 'at'> {
  readonly refusal?: SagaRefusal;
}

/** The rows of an order's log, all of them, by what its saga keeps. */
export function logRows(orderId: string, state: LoggedSaga): readonly LogRow[] {
  return logOf(state).map((change, index) => ({ id: `${orderId}:${index + 1}`, orderId, seq: index + 1, ...change }));
}

/** The status of the order after these changes, in the words of the API; `undefined`: it has none yet. */
export function statusAfter(changes: readonly Pick<LoggedChange, 'status'>[]): string | undefined {
  return changes.map(({ status }) => PUBLIC[status]).findLast((status) => status !== undefined);
}

const PUBLIC: Readonly<Partial<Record<LoggedStatus, string>>> = {
  pending: 'pending',
  paid: 'paid',
  processed: 'completed',
  failed: 'failed',
  cancelled: 'cancelled',
};

/** The entity, which also logs: what is new after a message is kept in the state and rides to `order_logs` as journal records. */
export function logging(entity: Entity<OrderSaga>): Entity<OrderSaga> {
  const { handlers, wake, tooLate } = entity;
  return {
    ...entity,
    handlers: handlers.map((handler) => ({ ...handler, handle: logged(handler.handle) })),
    ...(wake && { wake: logged(wake) }),
    ...(tooLate && { tooLate: logged(tooLate) }),
  };
}

function logged<Body>(handle: Handle<OrderSaga, Body>): Handle<OrderSaga, Body> {
  return (state, body, context) => {
    const result = handle(state, body, context);
    return result instanceof Promise
      ? result.then((later) => withLog(state, later, context))
      : withLog(state, result, context);
  };
}

function withLog(before: LoggedSaga | undefined, result: Result<OrderSaga>, context: Context): Result<OrderSaga> {
  const { message } = context;
  const known = before?.log ?? [];
  // A handler may build its state anew, so the log comes from the one before.
  const state: LoggedSaga = { ...result.state, log: known };
  const rows = logRows(message.key, state);
  if (rows.length === 0) return result;
  const log = rows.map(({ status, at, errorMessage }) => loggedOf(status, at, errorMessage));
  const added = rows.slice(known.length);
  const next: LoggedSaga = { ...state, log };
  return { ...result, state: next, ...(added.length > 0 && { journal: [...(result.journal ?? []), ...added] }) };
}

/** What the state's log has, and behind it what has happened since. */
function logOf(state: LoggedSaga): readonly LoggedChange[] {
  const { log = [] } = state;
  let latest = log.at(-1)?.at ?? 0;
  const left = Map.groupBy(log, ({ status }) => status);
  const count = new Map([...left].map(([status, changes]) => [status, changes.length]));
  const added = changesIn(state).filter(({ status }) => {
    const before = count.get(status) ?? 0;
    count.set(status, before - 1);
    return before <= 0;
  });
  const inOrder = added.toSorted((a, b) => a.at - b.at || rankOf(a) - rankOf(b));
  let room = DETAILS_BYTES - log.reduce((bytes, { errorMessage = '' }) => bytes + Buffer.byteLength(errorMessage), 0);
  const logged = inOrder.map(({ status, at, refusal }) => {
    latest = Math.max(latest, at);
    const message = refusal && messageOf(refusal, room);
    room -= Buffer.byteLength(message ?? '');
    return loggedOf(status, latest, message);
  });
  return [...log, ...logged];
}

/** What was said at length is kept while there is room for it: the saga's document holds its log. */
function messageOf({ reason, detail = reason }: SagaRefusal, room: number): string {
  return Buffer.byteLength(detail) <= room ? detail : reason;
}

function loggedOf(status: LoggedStatus, at: number, errorMessage: string | undefined): LoggedChange {
  return { status, at, ...(errorMessage !== undefined && { errorMessage }) };
}

function rankOf({ status }: Change): number {
  return loggedStatuses.indexOf(status);
}

/** Everything that can be told from the records of the steps, of each status in the order in which it happened. */
function changesIn(state: OrderSaga): readonly Change[] {
  if (state.phase === 'unknown') return [];
  const begun = state.phase === 'parked' ? state.was : state;
  const { steps, earlier = [] } = begun;
  const [start] = steps;
  const tries = [...earlier, steps];
  return [
    ...(start === undefined ? [] : [changeOf('pending', start.sentAt)]),
    ...tries.flatMap(reserved),
    ...tries.flat().flatMap(paid),
    ...earlier.flat().flatMap((record) => retried(record)),
    ...steps.flatMap((record) => (record.retry === undefined ? [] : retried(record, record.retry))),
    ...('releasing' in begun && begun.releasing !== undefined
      ? retried(refusedIn(steps, begun.failure.step), begun.failure)
      : []),
    ...tries.flatMap(released),
    ...ended(begun),
  ];
}

function changeOf(status: LoggedStatus, at: number, refusal?: SagaRefusal): Change {
  return { status, at, ...(refusal !== undefined && { refusal }) };
}

/** Every SKU of the order is reserved. */
function reserved(records: readonly StepRecord[]): readonly Change[] {
  const all = records.filter(({ name }) => wholeOf(name) === RESERVES);
  const isDone = all.length > 0 && all.every(({ answeredAt, end }) => answeredAt !== undefined && end === undefined);
  return isDone ? [changeOf('reserved', Math.max(...all.map(({ answeredAt }) => answeredAt!)))] : [];
}

/** All that was, or may have been, reserved in a try is released. */
function released(records: readonly StepRecord[]): readonly Change[] {
  const owed = records.filter(({ name, end }) => wholeOf(name) === RESERVES && end !== 'refused');
  const isDone = owed.length > 0 && owed.every(({ undo }) => undo?.answeredAt !== undefined);
  return isDone ? [changeOf('released', Math.max(...owed.map(({ undo }) => undo!.answeredAt!)))] : [];
}

function paid({ name, answeredAt, end }: StepRecord): readonly Change[] {
  return name === PAYS && answeredAt !== undefined && end === undefined ? [changeOf('paid', answeredAt)] : [];
}

/** A refusal that another try follows. */
function retried(record: StepRecord | undefined, refusal?: SagaRefusal): readonly Change[] {
  if (record?.end !== 'refused') return [];
  return [changeOf('retrying', record.answeredAt ?? record.sentAt, refusal ?? { reason: 'refused' })];
}

function refusedIn(steps: readonly StepRecord[], name: string): StepRecord | undefined {
  return steps.find((record) => record.name === name);
}

function ended(begun: Exclude<OrderSaga, { phase: 'unknown' | 'parked' }>): readonly Change[] {
  if (begun.phase === 'running') return [];
  if (begun.phase === 'ended' && begun.outcome === 'completed') return [changeOf('processed', begun.endedAt)];
  const { outcome, failure } = begun;
  const at = begun.steps[0]?.undo?.answeredAt;
  if (at === undefined || outcome === 'completed') return [];
  return [changeOf(outcome, at, outcome === 'failed' ? (failure ?? { reason: 'failed' }) : undefined)];
}
