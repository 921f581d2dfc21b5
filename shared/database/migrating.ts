import type { Connection } from 'mongoose';
import { Umzug, type UmzugStorage } from 'umzug';
import { type Migration, type MigrationRun, type Progress } from './migration.ts';
import { locked } from './schema-lock.ts';
import { schemaStore, type BegunMigration, type StoredSchema } from './schema.ts';
import type { Clock } from '#shared/clock.ts';

export interface MigrateOptions {
  readonly db: Connection;
  readonly migrations: readonly Migration[];
  /** Who runs, as a person reads it; differs from all others who may run at the same time. */
  readonly owner: string;
  readonly clock: Clock;
  readonly say: (text: string) => void;
  /** Ends a wait for another runner, and the run after its next batch. */
  readonly signal?: AbortSignal;
  readonly lockExpiresAfterMs?: number;
}

/** Applies what is not applied yet, in order. Resolves with the names of what it applied: none when there was nothing to do. */
export function migrateUp(options: MigrateOptions): Promise<readonly string[]> {
  return run(options, 'up', ({ applied }) => {
    const known = new Set(applied.map(({ name }) => name));
    return names(options).filter((name) => !known.has(name));
  });
}

/**
 * Takes back what was applied, newest first: the newest one, or everything above number `to`. What was begun and not ended counts as applied.
 * @throws when what was applied is not known to this version: only the version that brought it can take it back
 */
export function migrateDown(options: MigrateOptions, to?: number): Promise<readonly string[]> {
  return run(options, 'down', ({ applied, begun }) => {
    const there = new Set([...applied.map(({ name }) => name), ...(begun ? [begun.name] : [])]);
    const order = [...there].toSorted().toReversed();
    const wanted = to === undefined ? order.slice(0, 1) : order.filter((name) => numberOf(name) > to);
    const strange = wanted.filter((name) => !names(options).includes(name));
    if (strange.length > 0) throw new Error(`this version does not know ${strange.join(', ')} and cannot take it back`);
    return wanted;
  });
}

/** The number in a migration's name. */
export function numberOf(name: string): number {
  return Number(name.slice(0, name.indexOf('-')));
}

function names({ migrations }: MigrateOptions): readonly string[] {
  return migrations.map(({ name }) => name).toSorted();
}

/** Runs what `wantedOf` chooses, while nobody else can. Which that is, is decided when the lock is held. */
async function run(
  options: MigrateOptions,
  direction: BegunMigration['direction'],
  wantedOf: (stored: StoredSchema) => readonly string[],
): Promise<readonly string[]> {
  const { db, migrations, owner, clock, say, signal, lockExpiresAfterMs: expiresAfterMs } = options;
  const schema = schemaStore(db);
  const onWaiting = (other: string): void => say(`waiting for ${other}, which is migrating`);
  if (wantedOf(await schema.read()).length === 0 && (await schema.read()).lock === undefined) return [];
  return locked({ schema, owner, clock, onWaiting, signal, expiresAfterMs }, async (lost) => {
    const wanted = wantedOf(await schema.read());
    const storage: UmzugStorage = {
      executed: async () => (direction === 'up' ? [] : wanted) as string[],
      logMigration: ({ name }) => schema.end(owner, name, clock.now()),
      unlogMigration: ({ name }) => schema.end(owner, name, undefined),
    };
    const umzug = new Umzug({ migrations: migrations.map(runnable), storage, logger: undefined });
    const done = await umzug[direction]({ migrations: [...wanted] });
    return done.map(({ name }) => name);

    function runnable({ name, up, down }: Migration) {
      return { name, up: () => perform(name, up), down: () => perform(name, down) };
    }

    async function perform(name: string, work: (run: MigrationRun) => Promise<void>): Promise<void> {
      const stop = (): void => {
        lost.throwIfAborted();
        signal?.throwIfAborted();
      };
      stop();
      const begun = await schema.begin(owner, { name, direction });
      const { progress: reached } = begun;
      say(`${name}: ${direction}${reached ? `, goes on after ${reached.changed} documents` : ''}`);
      await work({
        db,
        reached,
        async reach(progress: Progress) {
          await schema.progress(owner, { name, direction, progress });
          stop();
        },
      });
      stop();
    }
  });
}
