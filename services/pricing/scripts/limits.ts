import { MAX_AMOUNT_MINOR } from '#services/money.ts';

/** What a strategy may take and give. The table in docs/strategies.md says the same; a test compares them. */
export interface ScriptLimits {
  /** Of a source, in UTF-8. */
  readonly sourceBytes: number;
  /** Processor time of one call; the engine interrupts the script at the next check after it. */
  readonly callMs: number;
  /** Processor time in which nothing of a thread moves before it is ended and replaced: for what the engine cannot interrupt. */
  readonly stuckMs: number;
  /** Of one compiled script with all that a call of it makes. */
  readonly memoryBytes: number;
  readonly stackBytes: number;
  /** All compiled scripts of a thread together can never take more. */
  readonly threadMemoryBytes: number;
  /** Compiled scripts that a thread keeps; the one not used for longest goes first. */
  readonly compiledScripts: number;
  readonly compiledBytes: number;
  /** Of a result, in minor units, and of quantity x price before a script is asked. */
  readonly amount: number;
  /** Of a dry run, and processor time of all of them. */
  readonly cases: number;
  readonly dryRunMs: number;
  /** A call of a dry run that takes more gets a warning. */
  readonly slowMicroseconds: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;

export const scriptLimits: ScriptLimits = {
  sourceBytes: 64 * KIB,
  callMs: 100,
  stuckMs: 300,
  memoryBytes: 4 * MIB,
  stackBytes: 128 * KIB,
  threadMemoryBytes: 96 * MIB,
  compiledScripts: 200,
  compiledBytes: 32 * MIB,
  amount: MAX_AMOUNT_MINOR,
  cases: 100,
  dryRunMs: 1_000,
  slowMicroseconds: 1_000,
};
