import { assign, type Table } from './assignment.ts';
import type { TableStore } from './table-store.ts';
import { backoffMs } from '#shared/backoff.ts';
import type { Clock } from '#shared/clock.ts';
import { limited } from '#shared/database/limited.ts';
import { reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';

/** Who is to be in the table, and how soon I am the one to write it. */
export interface Candidates {
  /** Sorted. */
  readonly members: readonly string[];
  /** 0: at once; the others come later, so that mostly only one writes. */
  readonly rank: number;
}

export interface TableKeeper {
  /** The newest table that it knows. */
  current(): Table | undefined;
  /** Somebody acts by a table of this version. */
  heardOf(version: number): void;
  /** Looks whether there is something to read or to write. At most one access at a time. */
  look(): void;
}

/** How long the members must have been the same before a new table is written. */
const SETTLE_MS = 200;
const STAGGER_MS = 100;
/** Reads it anyway this often, should nobody have told. */
const REREAD_MS = 5000;
const RETRY = { baseMs: 200, capMs: 3000 };

/**
 * Keeps the route's table right: reads it when somebody acts by a newer one, and writes the next one, by compare-and-set, when the living
 * members are others than it names. While the store is away it keeps what it has and tries again.
 */
export function createTableKeeper(options: {
  readonly store: TableStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly route: string;
  readonly partitions: number;
  /** `undefined`: nothing to judge by at present. */
  readonly candidates: () => Candidates | undefined;
  readonly onTable: (table: Table | undefined) => void;
}): TableKeeper {
  const { clock, log, route, partitions, candidates, onTable } = options;
  const store = limited(options.store, clock);
  let table: Table | undefined;
  let newest = 0;
  let rereadAt = -Infinity;
  let retryAt = -Infinity;
  let failures = 0;
  let busy = false;
  let settling:
    | { readonly over: Table | undefined; readonly members: string; readonly next: Table; readonly at: number }
    | undefined;

  function adopt(read: Table | undefined): void {
    rereadAt = clock.now() + REREAD_MS;
    if (read?.version === table?.version) return;
    table = read;
    onTable(table);
  }

  async function access(work: () => Promise<void>): Promise<void> {
    busy = true;
    try {
      await work();
      if (failures > 0) log.info('the assignment can be read again');
      failures = 0;
    } catch (error) {
      failures += 1;
      if (failures === 1) log.warn('no access to the assignment, still trying', { reason: reasonOf(error) });
      retryAt = clock.now() + backoffMs(RETRY, failures, clock.random);
      rereadAt = -Infinity;
    }
    busy = false;
  }

  async function load(): Promise<void> {
    newest = 0;
    adopt(await store.load(route));
  }

  const write = (next: Table): Promise<void> =>
    access(async () => {
      const written = await store.replace(route, table?.version ?? 0, next);
      if (written) log.info('wrote the assignment', { version: next.version, members: next.members });
      if (written) adopt(next);
      else await load();
    });

  /** What to write now, once the members have been the same for long enough. */
  function due(): Table | undefined {
    const wanted = candidates();
    if (wanted === undefined) {
      settling = undefined;
      return undefined;
    }
    const members = wanted.members.join(' ');
    if (settling === undefined || settling.members !== members || settling.over !== table) {
      const at = clock.now() + SETTLE_MS + wanted.rank * STAGGER_MS;
      settling = { over: table, members, next: assign(table, wanted.members, partitions), at };
    }
    return settling.next !== table && clock.now() >= settling.at ? settling.next : undefined;
  }

  return {
    current: () => table,
    heardOf(version) {
      newest = Math.max(newest, version);
    },
    look() {
      if (busy || clock.now() < retryAt) return;
      if (clock.now() >= rereadAt || newest > (table?.version ?? 0)) {
        void access(load);
        return;
      }
      const next = due();
      if (next !== undefined) void write(next);
    },
  };
}
