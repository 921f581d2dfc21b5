/**
 * `npm run archive`: moves what ended long ago into the archive, at once, while everything runs. In the database of the running stack, or that of `MONGO_URL`.
 */
import { createConnection } from 'mongoose';
import { readAddresses } from '#local/stack/addresses.ts';
import { command, numberOf } from './command.ts';
import { commandLine, commandSpec } from './command-line.ts';
import { services } from '#services/services.ts';
import { DAY_MS, prepareArchive, type AnyArchiveRule } from '#shared/database/archive.ts';
import { archive } from '#shared/database/archiving.ts';
import { systemClock } from '#shared/clock.ts';

/** What is archived, and by which rule. */
export const archivedCollections: readonly (readonly [collection: string, rule: AnyArchiveRule])[] = services.flatMap(
  ({ documents }) => (documents?.archive === undefined ? [] : [[documents.collection, documents.archive] as const]),
);

const spec = commandSpec({
  call: 'npm run archive --',
  does: 'Moves what ended long ago into the archive, in the database of the running stack or that of MONGO_URL, while everything runs.',
  options: {
    'older-than-days': { type: 'string', value: 'DAYS', default: '90', means: 'what ended at least so many days ago' },
    'dry-run': { type: 'boolean', default: false, means: 'only counts what would be moved' },
  },
  examples: [
    ['--dry-run', 'how much there is to move'],
    ['--older-than-days 30', 'moves what ended a month ago'],
  ],
  exits: '1: it was interrupted, or could not be done.',
});

async function main(values: ReturnType<typeof commandLine<typeof spec.options>>['values']): Promise<void> {
  const days = numberOf('--older-than-days', values['older-than-days'], 1, 100_000);
  const url = process.env['MONGO_URL'] ?? readAddresses().mongo;
  const dryRun = values['dry-run'];
  const stopping = new AbortController();
  process.once('SIGINT', () => stopping.abort());
  const db = await createConnection(url, { serverSelectionTimeoutMS: 5000 }).asPromise();
  try {
    const before = systemClock.now() - days * DAY_MS;
    for (const [collection, rule] of archivedCollections) {
      if (!dryRun) await prepareArchive(db, collection, rule);
      const options = { collection, rule, before, clock: systemClock, signal: stopping.signal, dryRun };
      const count = await archive(db, options);
      process.stdout.write(`${collection}: ${count} ${dryRun ? 'would be archived' : 'archived'}\n`);
    }
  } finally {
    await db.close();
  }
  if (stopping.signal.aborted) process.exitCode = 1;
}

if (import.meta.main) {
  const { values } = commandLine(spec);
  await command(() => main(values));
}
