import { existsSync } from 'node:fs';
import { mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import mongoose from 'mongoose';
import { container, DATABASE_IMAGE, hasImage } from './docker.ts';
import { baseEnvironment, guardedProcess, ownProcess } from './own-process.ts';
import { type ProcessSpec, supervise, type Supervised, type Tell } from './supervisor.ts';
import type { LineSink } from './log-lines.ts';
import { START_LIMIT_MS, waitFor } from './wait-for.ts';

export interface DatabaseOptions {
  readonly dir: string;
  readonly recordDir: string;
  readonly port: number;
  readonly output: LineSink;
  readonly tell: Tell;
  readonly onGivenUp: (name: string, reason: string) => void;
  /** Gets what stops it as soon as there is something to stop, before it is ready. */
  readonly onStop: (stop: () => Promise<void>) => void;
  /** Only the embedded one, whatever else there is. */
  readonly embedded?: boolean;
  /** Of the embedded one: with so much data it takes no more. */
  readonly maxBytes?: number;
}

export interface Database {
  readonly description: string;
  /** Without a database name. */
  readonly url: string;
  /** Undefined when the database is not ours. */
  readonly process: Supervised | undefined;
  stop(): Promise<void>;
}

interface Source {
  readonly description: string;
  readonly spec: ProcessSpec;
}

/** Of a database of others, whose end nobody would tell. */
const ANSWER_LIMIT_MS = 60_000;

/**
 * The database, from the first source that there is: `MONGO_URL`, `mongod` on the PATH, Docker when it has the image, the
 * embedded one. `SWITCHYARD_DATABASE` = `mongod` | `docker` | `embedded` allows only that one. Resolves when it answers.
 */
export async function startDatabase(options: DatabaseOptions): Promise<Database> {
  const url = process.env['MONGO_URL'];
  if (url && !options.embedded) {
    await answers(url, ANSWER_LIMIT_MS);
    return {
      description: `MongoDB at ${new URL(url).host} (MONGO_URL)`,
      url,
      process: undefined,
      stop: async () => {},
    };
  }
  const { description, spec } = await sourceOf(options);
  let givenUp: string | undefined;
  const supervised = supervise(spec, {
    ...options,
    onGivenUp: (name, reason) => {
      givenUp = reason;
      options.onGivenUp(name, reason);
    },
  });
  options.onStop(() => supervised.stop());
  const own = `mongodb://127.0.0.1:${options.port}`;
  try {
    await answers(own, START_LIMIT_MS, () => givenUp);
  } catch (error) {
    await supervised.stop();
    throw error;
  }
  return { description, url: own, process: supervised, stop: () => supervised.stop() };
}

async function sourceOf(options: DatabaseOptions): Promise<Source> {
  const only = options.embedded ? 'embedded' : process.env['SWITCHYARD_DATABASE'];
  const allowed = (source: string): boolean => only === undefined || only === source;
  const mongod = onPath('mongod');
  if (allowed('mongod') && mongod) return { description: 'mongod', spec: mongodSpec(options, mongod) };
  if (allowed('docker') && (await hasImage(DATABASE_IMAGE))) {
    return { description: `${DATABASE_IMAGE} in Docker`, spec: await containerSpec(options) };
  }
  return { description: 'the embedded MongoDB', spec: embeddedSpec(options) };
}

function mongodSpec(options: DatabaseOptions, mongod: string): ProcessSpec {
  const data = folder(options.dir, 'mongod');
  const { dir, recordDir, port } = options;
  const args = ['--quiet', '--dbpath', data, '--port', String(port), '--bind_ip', '127.0.0.1'];
  return guardedProcess(dir, 'database', [
    {
      name: 'mongod',
      command: mongod,
      args: [...args, '--nounixsocket'],
      env: baseEnvironment(dir),
      graceMs: 15_000,
      recordDir,
    },
  ]);
}

async function containerSpec({ dir, recordDir, port }: DatabaseOptions): Promise<ProcessSpec> {
  const volumes = { [folder(dir, 'mongo-container')]: '/data/db' };
  const spec = {
    name: 'database',
    image: DATABASE_IMAGE,
    dir,
    recordDir,
    ports: { 27017: port },
    volumes,
    args: ['--quiet'],
  };
  return guardedProcess(dir, 'database', [await container(spec)]);
}

function embeddedSpec({ dir, port, maxBytes }: DatabaseOptions): ProcessSpec {
  const limit = maxBytes === undefined ? [] : ['--max-bytes', String(maxBytes)];
  const args = ['--data', folder(dir, 'mongo'), '--port', String(port), '--host', '127.0.0.1', ...limit];
  return ownProcess(dir, { name: 'database', file: 'local/mongo/main.ts', args });
}

function folder(dir: string, name: string): string {
  const path = join(dir, name);
  mkdirSync(path, { recursive: true });
  return path;
}

function onPath(command: string): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((dir) => join(dir, command))
    .find((file) => existsSync(file));
}

async function answers(url: string, limitMs: number, stop?: () => string | undefined): Promise<void> {
  await waitFor(
    'an answer of the database',
    limitMs,
    async () => {
      const connection = mongoose.createConnection(url, { serverSelectionTimeoutMS: 500 });
      try {
        await connection.asPromise();
        return true;
      } finally {
        await connection.close();
      }
    },
    stop,
  );
}
