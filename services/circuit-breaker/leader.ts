import { backoffMs } from '#shared/backoff.ts';
import type { Bus, QueueSpec, Session } from '#shared/bus/bus.ts';
import { BrokerRefusal } from '#shared/bus/refusal.ts';
import { LEADER } from '#shared/bus/topology/topology.ts';
import type { Clock } from '#shared/clock.ts';
import { reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';

/** One time of acting, on one session. Nothing of it is used after that session. */
export interface Term {
  end(): void;
}

export interface CampaignOptions {
  readonly bus: Pick<Bus, 'session' | 'connected'>;
  readonly clock: Clock;
  readonly log: Log;
  /** Rejects when it cannot act: the session is given up and the next candidate tries. */
  readonly lead: (session: Session) => Promise<Term>;
}

/** Acting; waiting for the one that acts; or neither: without the broker, or taking over. */
export type Standing = 'leader' | 'next' | 'out';

export interface Campaign {
  readonly standing: Standing;
  stop(): Promise<void>;
}

const LOCK: QueueSpec = { name: LEADER, type: 'classic', exclusive: true, arguments: {} };
const RETRY = { baseMs: 200, capMs: 400 };
const RECONNECT = { baseMs: 200, capMs: 5000 };
/** A term that ended sooner counts as a failure. */
const SHORT_TERM_MS = 10_000;

/**
 * Tries for ever to be the one that acts: the connection that holds the exclusive queue `breaker.leader`. The broker
 * gives it to the next one when that connection ends, also when its process is frozen (three heartbeats).
 */
export function campaign({ bus, clock, log, lead }: CampaignOptions): Campaign {
  const stopping = new AbortController();
  const stopped = new Promise<void>((resolve) => stopping.signal.addEventListener('abort', () => resolve()));
  let standing: Standing = 'out';
  let failures = 0;

  const pause = (ms: number): Promise<void> => clock.sleep(ms, stopping.signal).catch(() => {});

  /** False: the session or the campaign ended first. */
  async function acquired(session: Session): Promise<boolean> {
    let open = true;
    void session.closed.then(() => (open = false));
    while (open && !stopping.signal.aborted) {
      try {
        await session.declareQueue(LOCK);
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
      log.info('this breaker acts now');
      const since = clock.now();
      await Promise.race([session.closed, stopped]);
      if (clock.now() - since > SHORT_TERM_MS) failures = 0;
    } finally {
      standing = 'out';
      term?.end();
      if (term !== undefined) log.info('this breaker does not act any more');
      await session.close();
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await stand();
      } catch (error) {
        // That the broker is away is told by the connection.
        const tell = bus.connected ? log.warn : log.debug;
        tell('cannot act as the breaker', { reason: reasonOf(error), attempt: failures + 1 });
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
