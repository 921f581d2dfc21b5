import type { ScriptLimits } from './limits.ts';

/** What a thread is given when it starts. */
export interface ThreadData {
  readonly limits: ScriptLimits;
  /** Shared: at `MOVES` a count that grows while anything moves, at `TURN` the group of the batch that is run. */
  readonly progress: Int32Array<SharedArrayBuffer>;
}

export const MOVES = 0;
export const TURN = 1;
