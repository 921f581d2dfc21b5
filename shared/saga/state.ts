import type { SagaFailure, SagaRefusal, UndoneOutcome } from './step.ts';

/** A step that was sent; written before its message leaves, so it is also the register of what may have to be undone. */
export interface StepRecord {
  readonly name: string;
  readonly sentAt: number;
  readonly answeredAt?: number;
  /** How often this message was sent. Absent: once. */
  readonly attempts?: number;
  /** Which message of this step it is: a try after a refusal is a message of its own. Absent: the first. */
  readonly number?: number;
  /** Why the last try was refused, and epoch ms of the next one. Absent: there is no next one. */
  readonly retry?: SagaRefusal & { readonly at: number };
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

export interface Begun {
  /** The definition that it started under, and runs under to its end. */
  readonly definition: { readonly name: string; readonly version: number };
  /**
   * The first is the start; then what was answered, in the order of the answers; then what is outstanding, as it was sent, or
   * waits for its next try.
   */
  readonly steps: readonly StepRecord[];
  /** Records of the tries before, refused or released in between (see `Retries`): a list each time, in the order in which they ended; of many the newest. */
  readonly earlier?: readonly (readonly StepRecord[])[];
  /** By step, the number of its last message whose record is not kept. */
  readonly numbers?: Readonly<Record<string, number>>;
  /** How many tries it had when it began. Absent: one. */
  readonly maxAttempts?: number;
}

interface Open<Data, Learned> extends Begun {
  readonly data: Data;
  readonly learned: Partial<Learned>;
  /** The step whose answer, or whose undo's answer, is awaited; of several that run side by side, the one that is due first. */
  readonly current: string;
  /** Epoch ms at which waiting for it ends, or it is sent again. */
  readonly dueAt: number;
}

export interface RunningSaga<Data = unknown, Learned extends object = object> extends Open<Data, Learned> {
  readonly phase: 'running';
}
interface TurnedBack<Data, Learned> extends Open<Data, Learned> {
  readonly outcome: UndoneOutcome;
  readonly failure: SagaFailure;
}
export interface UndoingSaga<Data = unknown, Learned extends object = object> extends TurnedBack<Data, Learned> {
  readonly phase: 'undoing';
  /** The steps are released until the next try of the one that was refused; once cancelled, there is none. */
  readonly releasing?: { readonly retryAt: number; readonly cancelled?: true };
}
/** Everything is undone; the final notice is on its way. */
export interface ClosingSaga<Data = unknown, Learned extends object = object> extends TurnedBack<Data, Learned> {
  readonly phase: 'closing';
}
export interface EndedSaga extends Begun {
  readonly phase: 'ended';
  readonly outcome: 'completed' | UndoneOutcome;
  readonly failure?: SagaFailure;
  readonly endedAt: number;
}
export type OpenSaga<Data = unknown, Learned extends object = object> =
  | RunningSaga<Data, Learned>
  | UndoingSaga<Data, Learned>
  | ClosingSaga<Data, Learned>;

/** It cannot go on in this process. Looked at again from `dueAt` on; what was answered meanwhile is kept. */
export interface ParkedSaga<Data = unknown, Learned extends object = object> {
  readonly phase: 'parked';
  readonly reason: string;
  readonly since: number;
  readonly dueAt: number;
  readonly was: OpenSaga<Data, Learned>;
  readonly answers?: readonly SagaAnswer[];
  /** As it was stored when there could be one only. */
  readonly answer?: SagaAnswer;
}
/** Somebody asked about a saga that did not start here. */
export interface UnknownSaga {
  readonly phase: 'unknown';
}
export type SagaState<Data = unknown, Learned extends object = object> =
  | OpenSaga<Data, Learned>
  | EndedSaga
  | ParkedSaga<Data, Learned>
  | UnknownSaga;

/** An answer of a participant; `to` is the id of the command that it answers. */
export interface SagaAnswer {
  readonly to: string;
  readonly type: string;
  readonly body: unknown;
}

/** The id of a step's command: `<key>:<step>:do`, from the second message of the step on `<key>:<step>#2:do`. */
export function doIdOf(key: string, { name, number = 1 }: Pick<StepRecord, 'name' | 'number'>): string {
  return `${key}:${numbered(name, number)}:do`;
}

export function undoIdOf(key: string, { name, number = 1 }: Pick<StepRecord, 'name' | 'number'>): string {
  return `${key}:${numbered(name, number)}:undo`;
}

function numbered(name: string, number: number): string {
  return number === 1 ? name : `${name}#${number}`;
}

/** The ids of the commands whose answers are awaited. Several only while steps run side by side. */
export function outstandingIds(key: string, { phase, steps, current }: OpenSaga): readonly string[] {
  if (phase === 'running') return steps.filter(isOutstanding).map((record) => doIdOf(key, record));
  const record = recordOf(steps, current)!;
  return [phase === 'undoing' ? undoIdOf(key, record) : doIdOf(key, record)];
}

/** Sent, and neither answered nor given up. */
export function isOutstanding({ answeredAt, end, heard }: StepRecord): boolean {
  return answeredAt === undefined && end === undefined && heard === undefined;
}

/** How often a step of the saga was refused, in this try and in those before. */
export function refusalsIn({ steps, earlier = [] }: Pick<Begun, 'steps' | 'earlier'>): number {
  return [...earlier.flat(), ...steps].filter(({ end }) => end === 'refused').length;
}

export function recordOf(steps: readonly StepRecord[], name: string): StepRecord | undefined {
  return steps.find((record) => record.name === name);
}

export function withRecord(steps: readonly StepRecord[], name: string, change: Partial<StepRecord>): StepRecord[] {
  return steps.map((record) => (record.name === name ? { ...record, ...change } : record));
}
