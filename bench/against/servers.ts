import { execFile, spawn } from 'node:child_process';
import { chownSync, existsSync, globSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { peersDir } from './package.ts';
import { CannotRun } from '#bench/arm.ts';
import type { World } from '#bench/world.ts';
import { anyFreePort, releasePort } from '#local/stack/ports.ts';
import { waitFor } from '#local/stack/wait-for.ts';

/** A server of its own for one turn of a peer, with an empty folder, on the loopback address. */
export interface Server extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
}

interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly uid?: number;
  /** It listens there when it is ready. */
  readonly port: number;
  readonly url: string;
  readonly dir: string;
}

const START_LIMIT_MS = 60_000;
const GRACE_MS = 10_000;
/** Debian's place for what is not on the PATH. */
const POSTGRES = '/usr/lib/postgresql/*/bin/postgres';

/** `fsync`: `always` before each answer, or once a second (what a crash of the machine loses). */
export async function startRedis(world: World, fsync: 'always' | 'everysec'): Promise<Server> {
  const command = found('redis-server') ?? missing('redis-server is not on the PATH');
  const port = await anyFreePort();
  const dir = folder(world, 'redis');
  const options = { port, bind: '127.0.0.1', dir, save: '', appendonly: 'yes', appendfsync: fsync };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  return start(world, { command, args, port, dir, url: `redis://127.0.0.1:${port}` });
}

/** Everything durable as PostgreSQL has it by default; more memory and fewer checkpoints than by default. It refuses to run as root. */
export async function startPostgres(world: World): Promise<Server> {
  const command = found('postgres') ?? globSync(POSTGRES).toSorted().at(-1) ?? missing('there is no PostgreSQL');
  const port = await anyFreePort();
  const dir = mkdtempSync(join(tmpdir(), 'bench-postgres-'));
  const uid = process.getuid?.() === 0 ? await userId('postgres') : undefined;
  const as = uid === undefined ? {} : { uid };
  if (uid !== undefined) chownSync(dir, uid, -1);
  const initdb = command.replace(/postgres$/, 'initdb');
  await promisify(execFile)(initdb, ['-D', dir, '-U', 'bench', '-A', 'trust', '-E', 'UTF8'], { ...as, cwd: dir });
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: dir,
    max_connections: 100,
    shared_buffers: '512MB',
    max_wal_size: '4GB',
    wal_buffers: '16MB',
  };
  const args = ['-D', dir, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
  return start(world, { command, args, port, dir, ...as, url: `postgresql://bench@127.0.0.1:${port}/postgres` });
}

/** Restate as it comes, without telling its maker about it. */
export async function startRestate(world: World): Promise<Server> {
  const binary = `node_modules/@restatedev/restate-server-${process.platform}-${process.arch}/bin/restate-server`;
  const command = join(peersDir, binary);
  if (!existsSync(command)) missing(`@restatedev/restate-server has no binary for ${process.platform} ${process.arch}`);
  const [ingress, admin, fabric] = [await anyFreePort(), await anyFreePort(), await anyFreePort()];
  const dir = folder(world, 'restate');
  const env = {
    RESTATE_BASE_DIR: dir,
    RESTATE_LISTEN_MODE: 'tcp',
    RESTATE_BIND_ADDRESS: `127.0.0.1:${fabric}`,
    RESTATE_ADVERTISED_ADDRESS: `http://127.0.0.1:${fabric}`,
    RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
    RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
    RESTATE_DISABLE_TELEMETRY: 'true',
    RESTATE_LOG_FILTER: 'warn',
  };
  const urls = { ingress: `http://127.0.0.1:${ingress}`, admin: `http://127.0.0.1:${admin}` };
  const server = await start(world, { command, args: ['--no-logo'], env, port: admin, dir, url: JSON.stringify(urls) });
  const healthy = async (url: string): Promise<boolean> => (await fetch(url)).ok;
  await waitFor('the health of Restate', START_LIMIT_MS, async () => {
    return (await healthy(`${urls.admin}/health`)) && healthy(`${urls.ingress}/restate/health`);
  });
  return server;
}

async function start(world: World, program: Program): Promise<Server> {
  const { command, args, env, uid, port, dir, url } = program;
  const child = spawn(command, args, {
    cwd: dir,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid }),
  });
  let tail = '';
  const keep = (text: Buffer): void => void (tail = `${tail}${text.toString()}`.slice(-2000));
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const isOver = (): boolean => child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
  async function stop(): Promise<void> {
    if (!isOver()) child.kill('SIGINT'); // PostgreSQL: at once, but in good order
    const timer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
    await ended;
    clearTimeout(timer);
    releasePort(port);
    rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  }
  world.onStop(stop);
  try {
    await waitFor(
      `the start of ${command}`,
      START_LIMIT_MS,
      () => listens(port),
      () => (isOver() ? tail : undefined),
    );
  } catch (error) {
    await stop();
    throw new CannotRun(error instanceof Error ? error.message : String(error));
  }
  return { url, pid: child.pid!, [Symbol.asyncDispose]: stop };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
    socket.once('connect', () => socket.end());
  });
}

function folder(world: World, name: string): string {
  const dir = join(world.dir, `${name}-${crypto.randomUUID()}`);
  mkdirSync(dir, { recursive: true });
  return dir;
}

function found(program: string): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((dir) => join(dir, program))
    .find((file) => existsSync(file));
}

async function userId(name: string): Promise<number> {
  const { stdout } = await promisify(execFile)('id', ['-u', name]).catch(() =>
    missing(`PostgreSQL does not run as root, and there is no user ${name}`),
  );
  return Number(stdout);
}

function missing(reason: string): never {
  throw new CannotRun(reason);
}
