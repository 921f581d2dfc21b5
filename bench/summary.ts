import type { ArmResult } from './results.ts';
import { median } from './statistics.ts';

/** Every case with the medians of all its values, for the terminal. */
export function summaryOf(arms: readonly ArmResult[]): readonly string[] {
  return arms.flatMap(({ title, cases, cannotRun }) => [
    `${title}${cannotRun === undefined ? '' : ` cannot run: ${cannotRun.split('\n')[0]}`}`,
    ...cases.map(
      ({ of, values }) =>
        `  ${of}: ${Object.entries(values)
          .map(([name, figures]) => `${name} ${rounded(median(figures))}`)
          .join(', ')}`,
    ),
  ]);
}

/** Three significant digits; whole numbers above that. */
export function rounded(value: number): string {
  if (!Number.isFinite(value)) return '-';
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value) || 1)));
  return value.toLocaleString('en', { minimumFractionDigits: 0, maximumFractionDigits: Math.min(3, digits) });
}
