import { appendFileSync } from 'node:fs';
import type { CommittedRuns } from '#shared/entity/options.ts';

/** One line of a history file. */
export interface HistoryLine extends CommittedRuns {
  readonly worker: string;
  readonly service: string;
}

/**
 * Writes every commit as a line of JSON, from which a checker can tell afterwards who handled what when. Each line is in the file
 * when the call returns, so that a killed process leaves what it had done. For tests: it holds up the process.
 */
export function historyFile(
  path: string,
  { worker, service }: Pick<HistoryLine, 'worker' | 'service'>,
): (commit: CommittedRuns) => void {
  return (commit) => appendFileSync(path, `${JSON.stringify({ worker, service, ...commit } satisfies HistoryLine)}\n`);
}
