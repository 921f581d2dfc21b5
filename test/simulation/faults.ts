/** What may go wrong in a simulated run. Each seed draws its own mixture: some kinds not at all, others often. */
import type { Scheduler } from './scheduler.ts';

const KINDS = {
  'crash at a port call': 1 / 1200,
  'crash after a port call took effect': 1 / 1200,
  pause: 1 / 2500,
  'connection lost': 1 / 2000,
  'clock jumps': 1 / 200,
  'store refuses': 1 / 80,
  'store applies, then fails': 1 / 120,
  'store is slow': 1 / 60,
  'effect fails': 1 / 12,
  'effect happens, then fails': 1 / 20,
  'effect hangs': 1 / 60,
  'mail server is slow': 1 / 6,
  'publish refused': 1 / 150,
  duplicate: 1 / 60,
  'late copy': 1 / 60,
  'an undo is lost': 1 / 20,
  'slow link': 1 / 100,
} as const;
export type FaultKind = keyof typeof KINDS;
export const faultKinds: readonly string[] = Object.keys(KINDS);

export interface Faults {
  /** Whether this goes wrong now; counted when it does. */
  strikes(kind: FaultKind): boolean;
  count(kind: string): void;
  /** From now on things go wrong; before, nothing does. */
  start(): void;
  /** From now on nothing goes wrong any more. */
  heal(): void;
  readonly healed: boolean;
  readonly counts: ReadonlyMap<string, number>;
}

export function createFaults({ chance }: Pick<Scheduler, 'chance'>): Faults {
  const counts = new Map<string, number>();
  // Swarm testing (Groce et al., ISSTA 2012): leaving kinds out finds more than always having all of them.
  const rates = new Map(
    Object.entries(KINDS).map(([kind, rate]) => [kind, chance() < 0.5 ? 0 : rate * 2 ** (chance() * 4 - 2)]),
  );
  let phase: 'calm' | 'wild' | 'healed' = 'calm';
  const count = (kind: string): void => void counts.set(kind, (counts.get(kind) ?? 0) + 1);

  return {
    strikes(kind) {
      const rate = rates.get(kind) ?? 0;
      if (phase !== 'wild' || rate === 0 || chance() >= rate) return false;
      count(kind);
      return true;
    },
    count,
    start() {
      phase = 'wild';
    },
    heal() {
      phase = 'healed';
    },
    get healed() {
      return phase === 'healed';
    },
    counts,
  };
}
