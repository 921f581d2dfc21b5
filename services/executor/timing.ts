import type { RaftLimits, RaftTiming } from './raft/state.ts';

/**
 * A leader that died has a successor within 5 s: 3 s of silence at most, then two rounds of questions. Two beats may be late or lost, and
 * a busy process may stand still for a second and more, before anybody misses the leader.
 */
export const TIMING: RaftTiming = {
  beatMinMs: 300,
  beatMaxMs: 600,
  electionMinMs: 2000,
  electionMaxMs: 3000,
  stepDownMs: 2000,
  tickAtMostMs: 250,
};

/** How often an executor looks at its clock. */
export const TICK_MS = 100;

export const LIMITS: RaftLimits = { window: 500, kept: 50, batch: 100 };
