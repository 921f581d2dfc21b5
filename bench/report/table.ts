import { type ArmResult, isBusy, type Results } from '#bench/results.ts';

/** A table in Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

/** As a ratio is written. */
export function asRatio(value: number): string {
  return Number.isFinite(value) ? value.toFixed(2) : '-';
}

export function ofGroup({ arms }: Results, ...groups: readonly string[]): readonly ArmResult[] {
  return arms.filter(({ group }) => groups.includes(group));
}

/** Says when the machine had other things to do. */
export function titleOf(arm: ArmResult): string {
  return isBusy(arm) ? `${arm.title} (busy)` : arm.title;
}

/** One row for an arm that was not measured. */
export function notMeasured({ title, cannotRun = '' }: ArmResult, columns: number): readonly string[] {
  return [title, `not measured: ${cannotRun.split('\n')[0]}`, ...Array.from({ length: columns - 2 }, () => '')];
}
