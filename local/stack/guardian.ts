/**
 * Runs programs that are not ours (the broker, mongod, docker) and ends them when this process is told to stop or when
 * its standard input closes, which happens when its parent dies in whatever way. Argument: JSON `Guarded[]`; they are started in order
 * and stopped in reverse. When one ends, all end, and so does this process, with the code of that one.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { endRecordedAs, recordProcess } from './processes.ts';

export interface Guarded {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Time between SIGTERM and SIGKILL. */
  readonly graceMs: number;
  /** Where the process is recorded, so that a later start can end it if this one cannot. */
  readonly recordDir: string;
}

interface Running {
  readonly spec: Guarded;
  readonly child: ChildProcess;
  readonly ended: Promise<void>;
}

const running: Running[] = [];
let stopping: Promise<void> | undefined;

function stopAll(code: number): Promise<void> {
  stopping ??= (async () => {
    for (const one of [...running].reverse()) await stopOne(one);
    process.exit(code);
  })();
  return stopping;
}

async function stopOne({ spec, child, ended }: Running): Promise<void> {
  if (child.pid === undefined) return;
  const group = -child.pid;
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGTERM');
    const late = setTimeout(() => signal(group, 'SIGKILL'), spec.graceMs);
    await ended;
    clearTimeout(late);
  }
  signal(group, 'SIGKILL');
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // already gone
  }
}

/** A log line like those of the services: who supervises this process hears of the end when everything else is ended, too. */
function tellOfEnd(name: string, how: string): void {
  process.stderr.write(`${JSON.stringify({ level: 'error', msg: `${name} ended by itself`, how })}\n`);
}

function start(spec: Guarded): void {
  const child = spawn(spec.command, spec.args, {
    env: spec.env,
    cwd: spec.cwd,
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  const forget = child.pid === undefined ? () => {} : recordProcess(spec.recordDir, spec.name, child.pid);
  child.once('error', (error) => {
    process.stderr.write(`${spec.command}: ${error.message}\n`);
    resolve();
    void stopAll(127); // ends the process
  });
  child.once('exit', (code, signalled) => {
    forget();
    if (stopping === undefined) tellOfEnd(spec.name, signalled ?? `code ${code}`);
    resolve();
    void stopAll(code ?? 1); // ends the process
  });
  running.push({ spec, child, ended: promise });
}

process.stdin.resume();
process.stdin.once('close', () => void stopAll(0)); // ends the process
for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, () => void stopAll(0)); // ends the process
for (const spec of JSON.parse(process.argv[2] ?? '[]') as Guarded[]) {
  await endRecordedAs(spec.recordDir, spec.name, spec.graceMs); // left by a guardian that was killed
  if (!stopping) start(spec);
}
