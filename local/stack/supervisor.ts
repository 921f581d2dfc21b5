import { type ChildProcess, spawn } from 'node:child_process';
import { type Backoff, backoffMs } from '#shared/backoff.ts';
import { systemClock } from '#shared/clock.ts';
import { forwardLines, type LineSink } from './log-lines.ts';
import { recordProcess } from './processes.ts';

export interface ProcessSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Time between SIGTERM and SIGKILL. */
  readonly stopGraceMs: number;
}

export interface RestartPolicy {
  readonly backoff: Backoff;
  /** More unexpected ends than this within `windowMs` and it is given up. */
  readonly maxRestarts: number;
  readonly windowMs: number;
}

export interface SuperviseOptions {
  /** Where running processes are recorded, see `processes.ts`. */
  readonly recordDir: string;
  /** Gets every line that the process writes. */
  readonly output: LineSink;
  /** Gets what happens to the process. */
  readonly tell: Tell;
  readonly policy?: RestartPolicy;
  /** Called once when it is given up; nothing restarts it any more. */
  readonly onGivenUp: (name: string, reason: string) => void;
}

export type Tell = (level: 'info' | 'warn' | 'error', text: string) => void;

/** A process that is started again when it ends by itself, until it is stopped or given up. */
export interface Supervised {
  readonly name: string;
  /** Undefined while it is between two lives. */
  pid(): number | undefined;
  /** How often it was started again. */
  restarts(): number;
  /** Sends a signal to the running process, whose end then counts as unexpected. False when none runs. */
  kill(signal: NodeJS.Signals): boolean;
  /** SIGTERM, SIGKILL after the grace period; resolves when it is gone. It stays stopped until `start`. */
  stop(): Promise<void>;
  /** Starts it again after `stop` or after it was given up. */
  start(): void;
}

type Phase =
  | { readonly is: 'running'; readonly child: ChildProcess; readonly ended: Promise<void>; readonly since: number }
  | { readonly is: 'waiting'; readonly cancel: () => void }
  | { readonly is: 'stopping'; readonly ended: Promise<void> }
  | { readonly is: 'stopped' };

const DEFAULT_POLICY: RestartPolicy = { backoff: { baseMs: 200, capMs: 5000 }, maxRestarts: 20, windowMs: 60_000 };
/** A process that ends with this code (sysexits.h) would do so again: its configuration must not run. */
const EX_CONFIG = 78;
/** A life longer than this makes the next restart quick again. */
const HEALTHY_MS = 10_000;

export function supervise(spec: ProcessSpec, options: SuperviseOptions): Supervised {
  const { policy = DEFAULT_POLICY, output } = options;
  let phase: Phase = { is: 'stopped' };
  let restarts = 0;
  let quickEnds = 0;
  let ends: readonly number[] = [];
  const tell: Tell = (level, text) => options.tell(level, `${spec.name} ${text}`);

  function launch(): void {
    const child = spawn(spec.command, spec.args, { env: spec.env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
    const forget = child.pid === undefined ? () => {} : recordProcess(options.recordDir, spec.name, child.pid);
    const { promise, resolve } = Promise.withResolvers<void>();
    const ended = (how: string, hopeless = false): void => {
      forget();
      resolve();
      if (phase.is === 'running' && phase.child === child) onUnexpectedEnd(phase.since, how, hopeless);
    };
    child.once('error', (error) => ended(error.message));
    child.once('exit', (code, signal) => ended(signal ?? `code ${code}`, code === EX_CONFIG));
    child.stdin.on('error', () => {}); // it ended while the pipe was open
    forwardLines(child.stdout, spec.name, output);
    forwardLines(child.stderr, spec.name, output);
    phase = { is: 'running', child, ended: promise, since: systemClock.now() };
  }

  function onUnexpectedEnd(since: number, how: string, hopeless: boolean): void {
    const now = systemClock.now();
    ends = [...ends.filter((at) => now - at < policy.windowMs), now];
    quickEnds = now - since > HEALTHY_MS ? 1 : quickEnds + 1;
    if (hopeless || ends.length > policy.maxRestarts) {
      phase = { is: 'stopped' };
      const reason = hopeless
        ? 'it refuses its configuration'
        : `ended ${ends.length} times in ${policy.windowMs / 1000} s, last with ${how}`;
      tell('error', `given up: ${reason}`);
      options.onGivenUp(spec.name, reason);
      return;
    }
    const waitMs = backoffMs(policy.backoff, quickEnds, () => systemClock.random());
    tell('warn', `ended with ${how}; starting it again in ${waitMs} ms`);
    phase = {
      is: 'waiting',
      cancel: systemClock.after(waitMs, () => {
        restarts += 1;
        launch();
      }),
    };
  }

  async function stop(): Promise<void> {
    const before = phase;
    if (before.is === 'waiting') before.cancel();
    if (before.is === 'waiting') phase = { is: 'stopped' };
    if (before.is === 'stopping') await before.ended;
    if (before.is !== 'running') return;
    phase = { is: 'stopping', ended: before.ended };
    before.child.kill('SIGCONT');
    before.child.kill('SIGTERM');
    const cancel = systemClock.after(spec.stopGraceMs, () => {
      tell('warn', `did not end within ${spec.stopGraceMs} ms; killing it`);
      before.child.kill('SIGKILL');
    });
    await before.ended;
    cancel();
    phase = { is: 'stopped' };
  }

  launch();
  return {
    name: spec.name,
    pid: () => (phase.is === 'running' ? phase.child.pid : undefined),
    restarts: () => restarts,
    kill: (signal) => phase.is === 'running' && phase.child.kill(signal),
    stop,
    start() {
      if (phase.is === 'stopped') launch();
    },
  };
}
