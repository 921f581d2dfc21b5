/** `npm run rebuild`: computes a projection anew from what it follows from, while everything runs. In the database of the running stack, or that of `MONGO_URL`. */
import { createConnection } from 'mongoose';
import { readAddresses } from '#local/stack/addresses.ts';
import { Trouble } from '#local/stack/trouble.ts';
import { command } from './command.ts';
import { commandSpec, hintOf, parsedBy, toldBy } from './command-line.ts';
import { orderLogsProjection } from '#services/saga/logs-view.ts';
import { type Projection, rebuild } from '#shared/database/rebuilding.ts';
import { systemClock } from '#shared/clock.ts';

const projections: Readonly<Record<string, Projection>> = { 'order-logs': orderLogsProjection };

const spec = commandSpec({
  call: 'npm run rebuild --',
  does: 'Computes anew what follows from other documents, while everything runs; in the database of the running stack or that of MONGO_URL.',
  words: { 'order-logs': 'every change of every order, from the sagas' },
  options: {},
  examples: [['order-logs', 'again: nothing is missing']],
  exits: '1: it was interrupted, or could not be done. Run it again.',
});

/** @throws {Trouble} that says what there is */
export function projectionIn(args: readonly string[]): readonly [name: string, projection: Projection] {
  const { positionals } = parsedBy(spec, args);
  const name = positionals.join(' ');
  const projection = Object.hasOwn(projections, name) ? projections[name] : undefined;
  if (projection === undefined)
    throw new Trouble(`${JSON.stringify(name)} is not one of ${Object.keys(projections).join(', ')}. ${hintOf(spec)}`);
  return [name, projection];
}

const EVERY_MS = 1000;

async function main([name, projection]: ReturnType<typeof projectionIn>): Promise<void> {
  const stopping = new AbortController();
  process.once('SIGINT', () => stopping.abort(new Trouble('interrupted: run it again')));
  const url = process.env['MONGO_URL'] || readAddresses().mongo;
  const db = await createConnection(url, { serverSelectionTimeoutMS: 5000 }).asPromise();
  let toldAt = systemClock.now();
  try {
    const { things, written, removed } = await rebuild(db, projection, {
      signal: stopping.signal,
      onProgress(sofar) {
        if (systemClock.now() - toldAt < EVERY_MS) return;
        toldAt = systemClock.now();
        process.stdout.write(`${name}: ${sofar.things} read, ${sofar.written} rows written\n`);
      },
    });
    process.stdout.write(`${name}: ${things} read, ${written} rows written, ${removed} removed\n`);
  } finally {
    await db.close();
  }
}

if (import.meta.main) {
  const wish = toldBy(spec, projectionIn);
  await command(() => main(wish));
}
