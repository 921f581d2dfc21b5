/** `npm run migrate`: what is stored, brought from version to version while everything runs. In the database of the running stack, or that of `MONGO_URL`. */
import { readAddresses } from '#local/stack/addresses.ts';
import { withMigrations } from '#local/stack/migrate-database.ts';
import { Trouble } from '#local/stack/trouble.ts';
import { command, wholeOf } from './command.ts';
import { commandSpec, hintOf, parsedBy, toldBy } from './command-line.ts';
import { migrateDown, type MigrateOptions, migrateUp } from '#shared/database/migrating.ts';
import { schemaStore } from '#shared/database/schema.ts';
import { statusLines } from './migrate-status.ts';

const spec = commandSpec({
  call: 'npm run migrate --',
  does: 'Changes what is stored for the services of this version, or back, while everything runs; in the database of the running stack or that of MONGO_URL.',
  words: {
    up: 'applies what is not applied yet, in order; goes on where a run before was interrupted',
    status: 'lists the migrations, and who is at work',
    down: 'takes the newest one back, so that the services of the version before work',
  },
  options: { to: { type: 'string', value: 'N', means: 'with down: takes back everything above number N; 0: all' } },
  examples: [
    ['up', 'again: nothing to do'],
    ['status', 'the version of the schema'],
    ['down --to 0', 'as before the first migration'],
  ],
  exits: '1: it was interrupted, or could not be done. What was done is kept: run it again.',
});

interface Wish {
  readonly word: 'up' | 'status' | 'down';
  readonly to: number | undefined;
}

/** @throws {Trouble} that says what is wrong */
export function wishIn(args: readonly string[]): Wish {
  const { positionals, values } = parsedBy(spec, args);
  const [word, ...more] = positionals;
  if ((word !== 'up' && word !== 'status' && word !== 'down') || more.length > 0)
    throw new Trouble(`${JSON.stringify(positionals.join(' '))} is not one of up, status and down. ${hintOf(spec)}`);
  if (values.to !== undefined && word !== 'down') throw new Trouble(`--to belongs to down. ${hintOf(spec)}`);
  return { word, to: values.to === undefined ? undefined : wholeOf('--to', values.to, 0, 9999) };
}

const say = (text: string): void => void process.stdout.write(`${text}\n`);

async function main({ word, to }: Wish): Promise<void> {
  const stopping = new AbortController();
  process.once('SIGINT', () => stopping.abort(new Trouble('interrupted: run it again to go on')));
  const run = async (options: MigrateOptions): Promise<void> => {
    if (word === 'status') {
      const stored = await schemaStore(options.db).read();
      for (const line of statusLines(stored, options.migrations, options.clock.now())) say(line);
      return;
    }
    const done = await (word === 'up' ? migrateUp(options) : migrateDown(options, to));
    say(done.length === 0 ? 'nothing to do' : `${word === 'up' ? 'applied' : 'taken back'}: ${done.join(', ')}`);
  };
  await withMigrations(process.env['MONGO_URL'] || readAddresses().mongo, say, run, stopping.signal);
}

if (import.meta.main) {
  const wish = toldBy(spec, wishIn);
  await command(() => main(wish));
}
