/** What the history file of a run with several workers must show; each checker names what is wrong. */
import { readFileSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import type { HistoryLine } from '#shared/host/history-file.ts';
import { WAKE } from '#shared/message.ts';

/** What the test did to processes; epoch ms. */
export interface Interruptions {
  /** With SIGKILL: what such a worker had committed last may not be in the file. */
  readonly killed: readonly { readonly worker: string; readonly at: number }[];
  /** With SIGSTOP and SIGCONT. */
  readonly frozen: readonly { readonly worker: string; readonly from: number; readonly to: number }[];
}

export interface History extends Interruptions {
  readonly lines: readonly HistoryLine[];
  /** The ids of the test's own messages, by `<service> <key>`, in the order of publishing. */
  readonly published: ReadonlyMap<string, readonly string[]>;
}

export type HistoryChecker = (history: History) => readonly string[];

export function readHistory(file: string): readonly HistoryLine[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as HistoryLine);
}

const keyOf = ({ service, key }: Pick<HistoryLine, 'service' | 'key'>): string => `${service} ${key}`;

export const committed = (lines: readonly HistoryLine[]): readonly HistoryLine[] =>
  lines.filter(({ outcome }) => outcome === 'committed');

/** The committed writes of each key, by version. */
function byKey(lines: readonly HistoryLine[]): readonly (readonly [key: string, of: readonly HistoryLine[]])[] {
  return [...Map.groupBy(committed(lines), keyOf)].map(([key, of]) => [
    key,
    of.toSorted((a, b) => a.over - b.over || a.committedAt - b.committedAt),
  ]);
}

const say = ({ worker, over, version }: HistoryLine): string => `${worker} ${over}->${version}`;

const oneWriteOverEachVersion: HistoryChecker = ({ lines }) =>
  byKey(lines).flatMap(([key, of]) =>
    [...Map.groupBy(of, ({ over }) => over)]
      .filter(([, writes]) => writes.length > 1)
      .map(([, writes]) => `${key}: ${writes.map(say).join(' and ')}`),
  );

/** How long after the death of its sender a write can still be done by the database. */
const IN_FLIGHT_MS = 500;

/** Each write is based on the one before it; one may be missing if its worker was killed before it could write that down. */
const versionsFollow: HistoryChecker = ({ lines, killed }) => {
  const unknown = Map.groupBy(
    lines.filter(({ outcome }) => outcome === 'unknown'),
    keyOf,
  );
  const excused = (key: string, before: HistoryLine | undefined, next: HistoryLine): boolean =>
    (unknown.get(key) ?? []).some(
      ({ over, version }) => over >= (before?.version ?? 0) && version <= next.over && version > over,
    ) ||
    killed.some(
      ({ worker, at }) =>
        worker.startsWith(`${next.service}-`) &&
        at + IN_FLIGHT_MS >= (before?.committedAt ?? 0) &&
        at <= next.committedAt,
    );
  return byKey(lines).flatMap(([key, of]) =>
    of.flatMap((write, index) => {
      const before = of[index - 1];
      const from = before?.version ?? 0;
      if (write.version <= write.over) return [`${key}: ${say(write)} goes back`];
      if (write.over < from) return before?.over === write.over ? [] : [`${key}: ${say(write)} ignores ${from}`];
      return write.over === from || excused(key, before, write) ? [] : [`${key}: nobody wrote ${from}->${write.over}`];
    }),
  );
};

const nothingTwice: HistoryChecker = ({ lines }) =>
  byKey(lines).flatMap(([key, of]) => {
    const ids = of.flatMap(({ messages }) => messages.filter(({ type }) => type !== WAKE).map(({ id }) => id));
    return [...Map.groupBy(ids, (id) => id)].filter(([, same]) => same.length > 1).map(([id]) => `${key}: ${id} twice`);
  });

/**
 * No two workers are at work on a key at once. Of a worker that was frozen while it wrote nobody knows when that was done, only that it
 * was sent before.
 */
const workersDoNotOverlap: HistoryChecker = ({ lines, frozen }) => {
  const endOf = ({ worker, startedAt, committedAt }: HistoryLine): number =>
    frozen
      .filter((one) => one.worker === worker && startedAt <= one.from && committedAt >= one.to)
      .reduce((end, { from }) => Math.min(end, from), committedAt);
  return byKey(lines).flatMap(([key, of]) => {
    const inTime = of.toSorted((a, b) => a.startedAt - b.startedAt);
    return inTime.flatMap((run, index) =>
      inTime
        .slice(0, index)
        .filter((earlier) => earlier.worker !== run.worker && endOf(earlier) > run.startedAt)
        .map(
          (earlier) => `${key}: ${say(run)} began ${endOf(earlier) - run.startedAt} ms before ${say(earlier)} ended`,
        ),
    );
  });
};

/** The test's own messages: those that are in the history came in the order of publishing. */
const publishedOrder: HistoryChecker = ({ lines, published }) =>
  byKey(lines).flatMap(([key, of]) => {
    const place = new Map((published.get(key) ?? []).map((id, index) => [id, index]));
    const handled = of.flatMap(({ messages }) =>
      messages.map(({ id }) => place.get(id)).filter((at) => at !== undefined),
    );
    return handled.flatMap((at, index) =>
      index > 0 && at <= handled[index - 1]! ? [`${key}: message ${at} after message ${handled[index - 1]}`] : [],
    );
  });

export const historyCheckers: Readonly<Record<string, HistoryChecker>> = {
  'one write over each version': oneWriteOverEachVersion,
  'versions follow': versionsFollow,
  'nothing twice': nothingTwice,
  'workers do not overlap': workersDoNotOverlap,
  'published order': publishedOrder,
};

export function holdHistory(t: ExecutionContext, history: History): void {
  for (const [name, check] of Object.entries(historyCheckers)) t.deepEqual(check(history).slice(0, 20), [], name);
}
