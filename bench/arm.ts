import type { World } from './world.ts';

/** By name: `sagasPerS`, `p50Ms`, `cores.broker`. */
export type Values = Readonly<Record<string, number>>;

/** What one turn of an arm saw in one of its cases. */
export interface Sample {
  /** `500 in flight`, `25 orders/s`. */
  readonly of: string;
  readonly values: Values;
}

export interface Turn {
  readonly world: World;
  /** From 1. */
  readonly round: number;
  readonly settings: Settings;
}

export interface Settings {
  /** How long each case is measured. */
  readonly seconds: number;
  /** Orders on their way at any time, case by case. */
  readonly inFlight: readonly number[];
  /** Orders a second of the light load, case by case. */
  readonly rates: readonly number[];
  /** Added to the command line of the stack that the light load is measured on. */
  readonly start: readonly string[];
}

/** One thing that is measured, in turns with the others. */
export interface Arm {
  /** What `--only` knows it by. */
  readonly name: string;
  readonly title: string;
  /** A name for several of them together. */
  readonly group: string;
  /** Only when it itself is named: it takes very long, or answers a question of its own. */
  readonly onlyNamed?: boolean;
  /** One round of it is enough beside several of the others. */
  readonly secondary?: boolean;
  /** @throws {CannotRun} */
  run(turn: Turn): Promise<readonly Sample[]>;
}

/** Here and now it cannot be measured; the reason stands in the results, and the others go on. */
export class CannotRun extends Error {
  override readonly name = 'CannotRun';
}
