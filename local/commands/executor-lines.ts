import type { ExecutorView } from '#services/executor/shapes.ts';

/** What there is to say of them in a sentence, then a line for each executor, columns under each other. */
export function executorLines(executors: readonly ExecutorView[]): readonly string[] {
  const rows = [
    ['executor', 'role', 'since', 'term', 'voted for', 'follows', 'log', 'counts', 'executed'],
    ...executors.map(({ id, role, alive, since, term, votedFor = '-', leader, lastIndex, commitIndex, executed }) => [
      id,
      alive ? role : 'silent',
      alive ? timeOf(since) : '-',
      String(term),
      votedFor,
      !alive || leader === undefined || leader === id ? '-' : leader,
      ...[lastIndex, commitIndex, executed].map(String),
    ]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const table = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
  return [summaryOf(executors), ...table];
}

/** How many have to live, of all that are configured. */
export const majorityOf = (executors: readonly ExecutorView[]): number => Math.floor(executors.length / 2) + 1;

/** Who leads, or why nobody does and what that means. */
export function summaryOf(executors: readonly ExecutorView[]): string {
  const living = executors.filter(({ alive }) => alive);
  const majority = majorityOf(executors);
  const count = `${living.length} of ${executors.length} live, a majority is ${majority}`;
  const [leader] = living.filter(({ role }) => role === 'leader').toSorted((a, b) => b.term - a.term);
  if (leader !== undefined) return `${leader.id} leads in term ${leader.term} since ${timeOf(leader.since)}; ${count}.`;
  if (living.length < majority) return `Nobody leads, and nobody can: ${count}. Orders are taken and wait.`;
  return `Nobody leads yet: ${count}. Orders are taken and wait until one is elected.`;
}

/** In UTC, to the second. */
function timeOf(since: string | undefined): string {
  return since === undefined ? '-' : `${since.slice(0, 10)} ${since.slice(11, 19)}Z`;
}
