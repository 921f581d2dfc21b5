import type { Values } from '#bench/arm.ts';
import { median, quantile } from '#bench/statistics.ts';

const WARM_UP_MS = 1500;
/** Turns of what takes long. */
const TURNS = 7;

/** As fast as it goes, so many at once; each asks again when it has its answer. `used`: CPU seconds by part; told as microseconds of each. */
export async function closedLoop(
  ask: () => Promise<unknown>,
  { inFlight, seconds }: { readonly inFlight: number; readonly seconds: number },
  used: () => Values,
): Promise<Values> {
  const latencies: number[] = [];
  const from = performance.now() + WARM_UP_MS;
  const until = from + seconds * 1000;
  let before: Values | undefined;
  const line = async (): Promise<void> => {
    for (;;) {
      const at = performance.now();
      if (at >= until) return;
      await ask();
      const now = performance.now();
      if (now < from) continue;
      before ??= used();
      if (now < until) latencies.push(now - at);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, line));
  const after = used();
  const spent = Object.entries(after).map(
    ([name, one]) => [`cpuUs.${name}`, ((one - (before?.[name] ?? one)) * 1e6) / latencies.length] as const,
  );
  return {
    perS: latencies.length / seconds,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    ...Object.fromEntries(spent),
  };
}

/** What takes long, one after another: the first is not counted. */
export async function oneByOne(ask: () => Promise<unknown>): Promise<Values> {
  const took: number[] = [];
  for (let turn = 0; turn <= TURNS; turn += 1) {
    const at = performance.now();
    await ask();
    took.push(performance.now() - at);
  }
  const counted = took.slice(1);
  return { p50Ms: median(counted), p99Ms: Math.max(...counted) };
}
