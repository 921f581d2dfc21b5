import type { Failure, Learned, Order, Outcome } from './definition.ts';

/** A step that was sent; written before its message leaves, so it is also the register of what may have to be undone. */
export interface StepRecord {
  readonly name: string;
  readonly sentAt: number;
  readonly answeredAt?: number;
  /** Absent: 1. */
  readonly attempts?: number;
  /** Absent: unanswered, or done. A refusal is certain, a timeout is not. */
  readonly end?: 'refused' | 'timed-out';
  /** Epoch ms at which waiting for its answer ends, or it is sent again; absent: nobody waits, or `dueAt` of the state says it. */
  readonly dueAt?: number;
  /** Its owner heard of it from another one's answer: nobody waits for an answer of its own. */
  readonly heard?: true;
  readonly undo?: UndoRecord;
}

export interface UndoRecord {
  readonly sentAt: number;
  readonly answeredAt?: number;
  /** Absent: 1. */
  readonly attempts?: number;
}

interface Begun {
  /** The definition that it started under, and runs under to its end. */
  readonly definition: { readonly name: string; readonly version: number };
  /** The first is step 1; then what was answered, in the order of the answers; then what is outstanding, as it was sent. */
  readonly steps: readonly StepRecord[];
}

interface Open extends Begun {
  readonly order: Order;
  readonly learned: Partial<Learned>;
  /** The step whose answer, or whose undo's answer, is awaited; of several that run side by side, the one that is due first. */
  readonly current: string;
  /** Epoch ms at which waiting for it ends, or it is sent again. */
  readonly dueAt: number;
}

export interface Running extends Open {
  readonly phase: 'running';
}
export interface TurnedBack extends Open {
  readonly outcome: Outcome;
  readonly failure: Failure;
}
export interface UndoingSteps extends TurnedBack {
  readonly phase: 'undoing';
}
/** Everything is undone; the customer is being told. */
export interface Closing extends TurnedBack {
  readonly phase: 'closing';
}
export interface Ended extends Begun {
  readonly phase: 'ended';
  readonly outcome: 'completed' | Outcome;
  readonly failure?: Failure;
  readonly endedAt: number;
}
export type OpenState = Running | UndoingSteps | Closing;

/** It cannot go on in this process. Looked at again from `dueAt` on; what was answered meanwhile is kept. */
export interface Parked {
  readonly phase: 'parked';
  readonly reason: string;
  readonly since: number;
  readonly dueAt: number;
  readonly was: OpenState;
  readonly answers?: readonly Answer[];
  /** As it was stored when there could be one only. */
  readonly answer?: Answer;
}
/** Somebody asked about an order that was not placed here. */
export interface Unknown {
  readonly phase: 'unknown';
}
export type SagaState = OpenState | Ended | Parked | Unknown;

/** An answer of a participant; `to` is the id of the command that it answers. */
export interface Answer {
  readonly to: string;
  readonly type: string;
  readonly body: unknown;
}

export function doIdOf(orderId: string, step: string): string {
  return `${orderId}:${step}:do`;
}

export function undoIdOf(orderId: string, step: string): string {
  return `${orderId}:${step}:undo`;
}

/** The ids of the commands whose answers are awaited. Several only while steps run side by side. */
export function outstandingIds({ phase, order: { orderId }, steps, current }: OpenState): readonly string[] {
  if (phase === 'undoing') return [undoIdOf(orderId, current)];
  if (phase === 'closing') return [doIdOf(orderId, current)];
  return steps.filter(isOutstanding).map(({ name }) => doIdOf(orderId, name));
}

/** Sent, and neither answered nor given up. */
export function isOutstanding({ answeredAt, end, heard }: StepRecord): boolean {
  return answeredAt === undefined && end === undefined && heard === undefined;
}

export function recordOf(steps: readonly StepRecord[], name: string): StepRecord | undefined {
  return steps.find((record) => record.name === name);
}

export function withRecord(steps: readonly StepRecord[], name: string, change: Partial<StepRecord>): StepRecord[] {
  return steps.map((record) => (record.name === name ? { ...record, ...change } : record));
}
