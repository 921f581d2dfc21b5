import type { Arm, Measurement } from './arms.ts';
import { quantile } from './load.ts';

/** The table of results: medians over the rounds, and each arm's message rate as a fraction of the bare broker's in the same run. */
export function report(
  bare: readonly number[],
  results: ReadonlyMap<Arm, readonly (readonly Measurement[])[]>,
): string[] {
  const bareRate = median(bare);
  const lines = ['', `bare broker: ${bareRate.toFixed(0)} messages/s (median of ${bare.length})`, ''];
  lines.push('| arm | in flight | sagas/s | messages/saga | messages/s | of bare | p50 ms | p99 ms | cores |');
  lines.push('|---|---|---|---|---|---|---|---|---|');
  for (const [arm, rounds] of results) {
    for (const [index, { inFlight }] of (rounds[0] ?? []).entries()) {
      const runs = rounds.map((round) => round[index]!);
      const sagas = median(runs.map(({ load }) => load.completed / load.seconds));
      const perSaga = median(runs.map(({ messagesPerSaga }) => messagesPerSaga));
      const p = (q: number): string => median(runs.map(({ load }) => quantile(load.latencies, q))).toFixed(1);
      const cores = Object.keys(runs[0]!.cores)
        .map((name) => `${name} ${median(runs.map((run) => run.cores[name] ?? 0)).toFixed(2)}`)
        .join(', ');
      const ratio = ((sagas * perSaga) / bareRate).toFixed(2);
      const cells = [
        arm.title,
        inFlight,
        sagas.toFixed(0),
        perSaga.toFixed(1),
        (sagas * perSaga).toFixed(0),
        ratio,
        p(0.5),
        p(0.99),
        cores,
      ];
      lines.push(`| ${cells.join(' | ')} |`);
    }
  }
  return lines;
}

function median(values: readonly number[]): number {
  return quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );
}
