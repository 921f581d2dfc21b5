import type { Connection } from 'mongoose';
import { schemaStore } from './schema.ts';
import type { Migration } from './migration.ts';
import type { Clock } from '#shared/clock.ts';
import { reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';

const LOOK_EVERY_MS = 1000;

/** Whether the database has what a service needs, by its migrations. */
export interface Migrated {
  /** Throws what is missing. */
  check(): void;
  /** Resolves when nothing is missing, or when `signal` is aborted. */
  readonly done: Promise<void>;
}

/** Looks until every one of these migrations was applied. A newer schema is none of its business. */
export function untilMigrated(
  db: Connection,
  migrations: readonly Migration[],
  { clock, log, signal }: { readonly clock: Clock; readonly log: Log; readonly signal: AbortSignal },
): Migrated {
  let missing: string | undefined = migrations.length === 0 ? undefined : 'the schema was not looked at yet';
  return {
    check() {
      if (missing !== undefined) throw new Error(missing);
    },
    done: look(),
  };

  async function look(): Promise<void> {
    for (let tries = 1; missing !== undefined && !signal.aborted; tries += 1) {
      try {
        const { applied } = await schemaStore(db).read();
        const lacking = migrations.filter(({ name }) => applied.every((one) => one.name !== name));
        const list = lacking.map(({ name }) => name).join(', ');
        missing = list === '' ? undefined : `the database lacks ${list}: \`npm run migrate -- up\``;
      } catch (error) {
        missing = `the schema cannot be read: ${reasonOf(error)}`;
      }
      if (missing === undefined) return;
      if (tries === 3) log.warn('waits for the schema', { reason: missing });
      await clock.sleep(LOOK_EVERY_MS, signal).catch(() => {});
    }
  }
}
