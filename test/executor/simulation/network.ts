import type { Events } from './events.ts';
import type { RaftMessage } from '#services/executor/raft/state.ts';

export interface Network {
  send(message: RaftMessage): void;
  /** From now on nothing passes between those. */
  cut(isCut: (from: string, to: string) => boolean, members: readonly string[]): void;
  /** So many are lost and doubled, in [0, 1], and take so long at most; `late`: so many come when nobody remembers them. */
  worsen(lost: number, doubled: number, delayMs: number, late?: number): void;
  heal(): void;
}

/** Now and then something comes when nobody remembers it. */
const VERY_LATE = 0.005;
const VERY_LATE_MS = 8000;

const WELL = { lost: 0, doubled: 0, delayMs: 15, late: VERY_LATE };

/** At most once, in any order; a cut has a direction. */
export function createNetwork(events: Events, deliver: (message: RaftMessage) => void): Network {
  let cuts = new Set<string>();
  let weather = WELL;
  const link = (from: string, to: string): string => `${from} ${to}`;

  function carry(message: RaftMessage): void {
    const mostMs = events.chance() < weather.late ? VERY_LATE_MS : weather.delayMs;
    events.at(1 + events.chance() * mostMs, () => deliver(message));
  }

  return {
    send(message) {
      if (cuts.has(link(message.from, message.to)) || events.chance() < weather.lost) return;
      carry(message);
      if (events.chance() < weather.doubled) carry(message);
    },
    cut(isCut, members) {
      for (const from of members) for (const to of members) if (isCut(from, to)) cuts.add(link(from, to));
    },
    worsen: (lost, doubled, delayMs, late = VERY_LATE) => void (weather = { lost, doubled, delayMs, late }),
    heal() {
      cuts = new Set();
      weather = WELL;
    },
  };
}
