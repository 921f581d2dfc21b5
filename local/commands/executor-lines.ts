import type { ExecutorView } from '#services/executor/shapes.ts';

/** A line for each executor, columns under each other. */
export function executorLines(executors: readonly ExecutorView[]): readonly string[] {
  const rows = [
    ['executor', 'role', 'term', 'voted for', 'log', 'counts', 'executed'],
    ...executors.map(({ id, role, alive, term, votedFor = '-', lastIndex, commitIndex, executed }) => [
      id,
      alive ? role : 'silent',
      ...[term, votedFor, lastIndex, commitIndex, executed].map(String),
    ]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}
