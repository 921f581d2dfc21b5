import { readFileSync } from 'node:fs';
import type { Arm, Values } from '#bench/arm.ts';
import { median, quantile } from '#bench/statistics.ts';
import type { Strategy } from '#services/pricing/scripts/contract.ts';
import { createScriptsInPlace } from '#services/pricing/scripts/scripts-in-place.ts';
import { createScripts } from '#services/pricing/scripts/scripts.ts';

/** Calls that come in one turn. */
const TOGETHER = [1, 100, 1_000, 10_000] as const;
const COMPILED = 50;
const LINE = [{ quantity: 3, price: 1_123 }] as const;

/** What a call of a compiled strategy takes in its engine, and with the way to its thread and back; and what a new version takes. */
export const strategiesArm: Arm = {
  name: 'strategies',
  title: 'calls of a pricing strategy',
  group: 'strategies',
  async run({ settings }) {
    const scripts = createScripts();
    const strategyOf = (source: string): Strategy => ({ source, version: scripts.versionOf(source) });
    const shipped = strategyOf(readFileSync('services/pricing/strategies/fraction-from.js', 'utf8'));
    try {
      await scripts.call(shipped, LINE);
      const samples: { readonly of: string; readonly values: Values }[] = [];
      const inPlace = await createScriptsInPlace();
      await inPlace.call(shipped, LINE);
      const alone = await measured(() => inPlace.call(shipped, LINE), 1, settings.seconds);
      samples.push({ of: 'in its engine, without a thread', values: alone });
      for (const together of TOGETHER) {
        const ask = () => Promise.all(Array.from({ length: together }, () => scripts.call(shipped, LINE)));
        samples.push({ of: `${together} at once`, values: await measured(ask, together, settings.seconds) });
      }
      const fresh: number[] = [];
      for (let n = 0; n < COMPILED; n += 1) {
        const started = performance.now();
        await scripts.call(strategyOf(`${shipped.source}// ${process.pid} ${started} ${n}`), LINE);
        fresh.push(performance.now() - started);
      }
      samples.push({ of: 'first call of a version', values: { p50Ms: median(fresh), p99Ms: quantile(fresh, 0.99) } });
      return samples;
    } finally {
      await scripts.close();
    }
  },
};

async function measured(ask: () => Promise<unknown>, together: number, seconds: number): Promise<Values> {
  const turns: number[] = [];
  const started = performance.now();
  let calls = 0;
  while (performance.now() - started < (1_000 * seconds) / TOGETHER.length) {
    const asked = performance.now();
    await ask();
    turns.push(((performance.now() - asked) * 1_000) / together);
    calls += together;
  }
  return {
    perS: (1_000 * calls) / (performance.now() - started),
    callUs: median(turns),
    callP99Us: quantile(turns, 0.99),
  };
}
