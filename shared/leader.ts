import { backoffMs } from './backoff.ts';
import type { Bus, QueueSpec, Session } from './bus/bus.ts';
import { BrokerRefusal } from './bus/broker-refusal.ts';
import type { Clock } from './clock.ts';
import { reasonOf } from './errors.ts';
import type { Log } from './log.ts';

/** One time of leading, on one session. Nothing of it is used after that session. */
export interface Term {
  end(): void;
}

export interface CandidateOptions {
  readonly bus: Pick<Bus, 'session' | 'connected'>;
  readonly clock: Clock;
  readonly log: Log;
  /** The exclusive queue that the leader holds: one for each office. The service needs the right to configure and read it. */
  readonly lock: string;
  /** What the log calls the office: `breaker`. */
  readonly office: string;
  /** Rejects when it cannot lead: its session is closed and the next candidate tries. */
  readonly lead: (session: Session) => Promise<Term>;
}

/** It leads; it waits for the one that leads; or neither: without the broker, or taking over. */
export type Standing = 'leader' | 'next' | 'out';

export interface Candidate {
  readonly standing: Standing;
  stop(): Promise<void>;
}

/** Waits between two tries to take the lock. */
const RETRY = { baseMs: 200, capMs: 400 };
/** Waits between two sessions. */
const RECONNECT = { baseMs: 200, capMs: 5000 };
/** A term that ended sooner counts as a failure. */
const SHORT_TERM_MS = 10_000;

/**
 * Leader election: stands until `stop` for being the one process that leads, which is the one whose connection holds the
 * exclusive queue `lock`. The broker frees it when that connection ends, also when the process is frozen (after three
 * heartbeats). Its waits are not those of `insist`: they start anew after a long term.
 */
export function standForLeader({ bus, clock, log, lock, office, lead }: CandidateOptions): Candidate {
  const queue: QueueSpec = { name: lock, type: 'classic', exclusive: true, arguments: {} };
  const stopping = new AbortController();
  const stopped = new Promise<void>((resolve) => stopping.signal.addEventListener('abort', () => resolve()));
  let standing: Standing = 'out';
  let failures = 0;

  const pause = (ms: number): Promise<void> => clock.sleep(ms, stopping.signal).catch(() => {});

  /** False: the session or the candidacy ended first. */
  async function acquired(session: Session): Promise<boolean> {
    let open = true;
    void session.closed.then(() => (open = false));
    while (open && !stopping.signal.aborted) {
      try {
        await session.declareQueue(queue);
        return true;
      } catch (error) {
        if (!(error instanceof BrokerRefusal) || error.code !== 'locked') throw error;
        standing = 'next';
      }
      await pause(backoffMs(RETRY, 2, clock.random));
    }
    return false;
  }

  async function stand(): Promise<void> {
    const session = await bus.session();
    let term: Term | undefined;
    try {
      if (!(await acquired(session))) return;
      standing = 'out';
      term = await lead(session);
      standing = 'leader';
      log.info(`this ${office} leads now`);
      const since = clock.now();
      await Promise.race([session.closed, stopped]);
      if (clock.now() - since > SHORT_TERM_MS) failures = 0;
    } finally {
      standing = 'out';
      term?.end();
      if (term !== undefined) log.info(`this ${office} does not lead any more`);
      await session.close();
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await stand();
      } catch (error) {
        // The connection itself logs that the broker is away.
        const tell = bus.connected ? log.warn : log.debug;
        tell(`this ${office} cannot lead`, { reason: reasonOf(error), attempt: failures + 1 });
      }
      failures += 1;
      await pause(backoffMs(RECONNECT, failures, clock.random));
    }
  }

  const running = run();
  return {
    get standing() {
      return standing;
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
