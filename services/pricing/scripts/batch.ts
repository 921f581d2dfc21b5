import type { Case, Failed, Problem } from './contract.ts';

/** Calls of one version, one after another. Numbers of all of them stand together, so that a message is few objects. */
export interface Group {
  readonly version: string;
  /** When the thread may not have it compiled. */
  readonly source?: string;
  /** How many cases each call has. */
  readonly sizes: readonly number[];
}

/** One message to a thread: many calls. */
export interface Batch {
  readonly groups: readonly Group[];
  /** Quantity and price of each case, group by group, call by call. */
  readonly numbers: Float64Array<ArrayBuffer>;
}

/** One message back. */
export interface Answers {
  /** Of each case. */
  readonly amounts: Float64Array<ArrayBuffer>;
  /** The calls that failed, counted through the whole batch. */
  readonly failures: readonly { readonly call: number; readonly failed: Failed }[];
  /** Groups whose version was not there and came without source: to be asked again with it. */
  readonly missing: readonly number[];
  /** Calls behind one that looped, counted through the whole batch: to be asked again, each alone. */
  readonly alone: readonly number[];
}

/** What a dry run is asked: the source and the cases. */
export interface DryRunAsked {
  readonly source: string;
  readonly cases: readonly Case[];
}

export interface DryRunSeen {
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
  readonly amounts: readonly number[];
  readonly microseconds: readonly number[];
}

/** To a thread. */
export type Asked = { readonly batch: Batch } | { readonly dryRun: DryRunAsked };
/** From a thread: an answer, or `ready` once, when it takes questions. */
export type Told = { readonly ready: true } | { readonly answers: Answers } | { readonly seen: DryRunSeen };
