import { statSync } from 'node:fs';
import { systemClock } from '#shared/clock.ts';

interface Mail {
  /** The file into which the inbox wrote it. */
  readonly source: string;
  readonly to: readonly { readonly address: string }[];
}

export interface Mails {
  /** When the last mail to each address arrived, ms since the epoch. */
  arrivals(): Promise<ReadonlyMap<string, number>>;
  /** Waits until each of them has one, and gives when the last to each arrived. @throws when they do not come in time */
  all(addresses: readonly string[], limitMs: number): Promise<ReadonlyMap<string, number>>;
  forget(): Promise<void>;
}

/** Seldom: the inbox that is asked is part of what is measured. */
const PAUSE_MS = 500;

/** What arrived in the local stack's inbox. */
export function mailsOf(inbox: string): Mails {
  async function arrivals(): Promise<ReadonlyMap<string, number>> {
    const response = await fetch(new URL('/email', inbox));
    const last = new Map<string, number>();
    for (const { source, to } of (await response.json()) as readonly Mail[]) {
      const { mtimeMs } = statSync(source);
      for (const { address } of to) last.set(address, Math.max(mtimeMs, last.get(address) ?? 0));
    }
    return last;
  }

  return {
    arrivals,
    async all(addresses, limitMs) {
      for (const giveUpAt = systemClock.now() + limitMs; ; await systemClock.sleep(PAUSE_MS)) {
        const last = await arrivals();
        const missing = addresses.filter((address) => !last.has(address)).length;
        if (missing === 0) return last;
        if (systemClock.now() > giveUpAt) throw new Error(`${missing} of ${addresses.length} mails did not arrive`);
      }
    },
    async forget() {
      await fetch(new URL('/email/all', inbox), { method: 'DELETE' });
    },
  };
}
