/** What a simulated town is configured with. Half of the seeds get limits so small that every one of them is reached. */
import type { Flow } from '#services/checkout-flow.ts';
import type { Retrying } from '#services/saga/retrying.ts';
import type { WalletRoom } from '#services/wallet/room.ts';
import { createScheduler } from './scheduler.ts';
import type { Limits } from '#shared/entity/options.ts';

export interface Settings {
  /** A line of the history: everything below, as it is. */
  readonly shown: string;
  readonly times: {
    readonly ttlMs: number;
    readonly delayMs: number;
    readonly cycleMs: number;
    readonly badCycles: number;
    readonly stepMs: number;
    readonly sagaMs: number;
  };
  /** In the place of the engine's own. */
  readonly limits: Partial<Limits>;
  readonly wallet: { readonly room?: WalletRoom; readonly skewMs?: number };
  readonly retrying: Retrying;
  /** In which order the events of checkouts happen. */
  readonly checkoutFlow: Flow;
  /** Messages of a type that only the next version of a service knows: it comes meanwhile, or it never comes. */
  readonly newer: 'none' | 'comes' | 'never comes';
  /** The database never takes the wallet of one customer, who pays in. */
  readonly refusesOne: boolean;
  /** The broker is started again, and keys have other partitions from then on. */
  readonly ringChanges: boolean;
  /** The primary of the database is cut off from the others, and what it has written meanwhile may be rolled back. */
  readonly rollBacks: boolean;
}

/** How wrong a machine's clock may be, either way. */
export const CLOCK_ERROR_MS = 2500;
/** The least that two clocks make necessary. */
const SKEW_MS = 2 * CLOCK_ERROR_MS + 1;
const TIMES = { ttlMs: 2500, delayMs: 500, cycleMs: 3750, badCycles: 3, stepMs: 15_000, sagaMs: 22_500 };

/** The same for the same seed, whatever else is drawn from it. */
export function settingsOf(seed: number): Settings {
  const { between, chance } = createScheduler(seed ^ 0x3c6ef372);
  const small = chance() < 0.5;
  const settings = small
    ? {
        times: { ...TIMES, ttlMs: between(1500, 2500), stepMs: between(7000, 10_000), sagaMs: between(12_000, 20_000) },
        limits: {
          sweepMs: 2500,
          prefetch: between(2, 9),
          concurrency: between(1, 5),
          stashSize: between(1, 5),
          handledIds: between(4, 20),
          hangingKeys: between(1, 4),
          sweepSize: between(4, 12),
          unsentSize: between(3, 9),
          cacheBytes: between(20_000, 100_000),
          cacheSize: between(2, 12),
          skewMs: SKEW_MS,
        },
        wallet: {
          room: { openBytes: between(0, 700), closedBytes: between(0, 700), topUps: between(0, 1), openElsewhere: 100 },
          skewMs: SKEW_MS,
        },
      }
    : { times: TIMES, limits: { sweepMs: 2500 }, wallet: {} };
  const drawn = { ringChanges: chance() < 0.25, rollBacks: chance() < 0.3, refusesOne: chance() < 0.3 };
  const next = chance();
  const newer = next < 0.15 ? 'comes' : next < 0.3 ? 'never comes' : 'none';
  // What is tried in vain holds up its key: not for longer than the run takes.
  const limits = { ...settings.limits, ...(newer === 'never comes' && { unknownTypeMs: between(2000, 6000) }) };
  // What came by a new partition may fill a small stash, and then what fails has no room and does not wait for a version.
  const ringChanges = drawn.ringChanges && newer !== 'comes';
  const retrying: Retrying = {
    tries: between(1, 4),
    delayMs: between(100, 2000),
    stockBetween: chance() < 0.5 ? 'hold' : 'release',
  };
  const checkoutFlow: Flow = seed % 2 === 0 ? 'partial' : 'chain';
  const all = { ...settings, limits, ...drawn, ringChanges, newer, retrying, checkoutFlow } as const;
  return { ...all, shown: `settings ${JSON.stringify(all)}` };
}
