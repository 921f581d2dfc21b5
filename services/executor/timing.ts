import type { RaftLimits, RaftTiming } from './raft/state.ts';

/**
 * A leader that died has a successor within 5 s: 2.4 s of silence at most, then two rounds of questions. Two beats may be late or lost
 * before anybody misses the leader; a process that stands still counts a quarter of a second, however long it was.
 */
export const TIMING: RaftTiming = {
  beatMinMs: 300,
  beatMaxMs: 600,
  electionMinMs: 1500,
  electionMaxMs: 2400,
  stepDownMs: 1500,
  tickAtMostMs: 250,
};

/** How often an executor looks at its clock. */
export const TICK_MS = 100;

export const LIMITS: RaftLimits = { window: 500, kept: 50, batch: 100 };
