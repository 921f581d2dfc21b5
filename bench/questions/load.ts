import { price } from './town.ts';
import { systemClock as clock } from '#shared/clock.ts';
import type { Asker } from '#shared/question/asker.ts';

export interface QuestionLoad {
  /** How many lines of work ask at once, each again when it has its answers. */
  readonly inFlight: number;
  /** Questions of one turn of a line, side by side: the items of a basket. */
  readonly together: number;
  /** About so many keys. */
  readonly keys: number;
  readonly seconds: number;
}

export interface QuestionRate {
  readonly questionsPerS: number;
  readonly turnsPerS: number;
  /** Of one turn, ms. */
  readonly latencies: readonly number[];
}

const WARM_UP_MS = 500;

/** As fast as it goes. */
export async function load(asker: Asker, { inFlight, together, keys, seconds }: QuestionLoad): Promise<QuestionRate> {
  const latencies: number[] = [];
  const begun = clock.now();
  const from = begun + WARM_UP_MS;
  const until = from + seconds * 1000;
  let turns = 0;
  const line = async (): Promise<void> => {
    while (clock.now() < until) {
      const at = performance.now();
      await Promise.all(
        Array.from({ length: together }, () => {
          const sku = `SKU-${Math.floor(clock.random() * keys)}`;
          return asker.ask(price, { sku, quantity: 3 }, { waitMs: 10_000 });
        }),
      );
      if (clock.now() < from) continue;
      turns += 1;
      latencies.push(performance.now() - at);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, line));
  const took = (clock.now() - from) / 1000;
  return { questionsPerS: (turns * together) / took, turnsPerS: turns / took, latencies };
}
