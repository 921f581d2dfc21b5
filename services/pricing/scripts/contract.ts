/** What pricing asks of scripts and gets from them; how they run is behind it. */

/** One line of a basket: whole units, whole minor units each. */
export interface Case {
  readonly quantity: number;
  readonly price: number;
}

/** A script with the hash of its bytes, by which it is compiled once. */
export interface Strategy {
  readonly source: string;
  readonly version: string;
}

/** Where in the source, from 1. */
export interface Place {
  readonly line?: number;
  readonly column?: number;
}

/** The place alone, without what is not known of it. */
export function placeIn({
  line,
  column,
}: {
  readonly line?: number | undefined;
  readonly column?: number | undefined;
}): Place {
  return { ...(line !== undefined && { line }), ...(column !== undefined && { column }) };
}

export interface Problem extends Place {
  readonly message: string;
}

/**
 * - `threw`: an error of its own, or one of the language
 * - `looped`: it was not done in its time
 * - `memory`, `stack`: it wanted more than it may have
 * - `result`: what it gave is no amount, or the line is too large to be exact
 */
export type ScriptFault = 'threw' | 'looped' | 'memory' | 'stack' | 'result';

/** Why one call has no amounts. The others of its thread have theirs. */
export class ScriptFailure extends Error {
  override readonly name = 'ScriptFailure';
  readonly did: ScriptFault;
  readonly line?: number;
  readonly column?: number;
  /** Which of the cases, from 0. */
  readonly at?: number;

  constructor({ did, message, line, column, at }: Failed) {
    super(message);
    this.did = did;
    if (line !== undefined) this.line = line;
    if (column !== undefined) this.column = column;
    if (at !== undefined) this.at = at;
  }
}

/** A failure as data, as it crosses threads. */
export interface Failed extends Problem {
  readonly did: ScriptFault;
  readonly at?: number;
}

/** What a dry run found. Refused when there is a problem: nothing of it may become active. */
export interface DryRun {
  readonly version: string;
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
  /** Case by case; empty when there is a problem. */
  readonly amounts: readonly number[];
  /** Processor time of a call, case by case. */
  readonly microseconds: readonly number[];
}

export interface Scripts {
  /** The same bytes are one version. */
  versionOf(source: string): string;
  /** The dry run before an activation: over representative cases, or these. Never rejects for what the script did. */
  check(source: string, cases?: readonly Case[]): Promise<DryRun>;
  /**
   * The amount of each case. A call whose deadline (milliseconds since the epoch) passes before its turn is not made.
   * @throws {ScriptFailure} of this call only
   * @throws {Late}
   */
  call(strategy: Strategy, cases: readonly Case[], deadline?: number): Promise<readonly number[]>;
  /** Ends the threads; calls that wait are rejected. */
  close(): Promise<void>;
}
