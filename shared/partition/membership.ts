import { decodeAnnouncement, encodeAnnouncement, WORKERS, type Announcement } from './announcement.ts';
import { peerOf, type Peer } from './duties.ts';
import { backoffMs } from '#shared/backoff.ts';
import type { Bus, Packet } from '#shared/bus/bus.ts';
import type { Clock } from '#shared/clock.ts';
import { PublishError, reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';

/** Another worker of the service, as it announced itself last. */
export interface Member {
  readonly announcement: Announcement;
  readonly lastSeenAt: number;
  readonly peer: Peer;
}

/** A run of a worker's process. */
export type WorkerIdentity = Pick<Announcement, 'worker' | 'service' | 'route' | 'incarnation' | 'since'>;

export interface MembershipOptions {
  readonly bus: Pick<Bus, 'publish' | 'subscribe'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly heartbeatMs: number;
  readonly deadAfterMs: number;
  readonly me: WorkerIdentity;
  /** What else to announce at this moment. */
  readonly standing: () => Omit<Announcement, 'kind' | 'hello' | keyof WorkerIdentity>;
  /** What is known of the others has changed, or they can be heard again. `tableVersion`: of the assignment that one acts by, else 0. */
  readonly onNews: (tableVersion: number) => void;
}

export interface Membership {
  /** Resolves once it hears what is announced. Rejects with `BrokerRefusal`; waits for a broker that is not there. */
  start(): Promise<void>;
  /** Something about me changed: tells everybody at once. */
  announce(): void;
  /** The living others. */
  others(): ReadonlyMap<string, Member>;
  /**
   * Hears announcements at present, its own among them. Who does not must not judge who is dead: it may be the broker, or
   * this process, that was away.
   */
  hearing(): boolean;
  /** Of these, somebody has neither been heard nor had the time to be: it is too early to call it dead. */
  undecided(workers: readonly string[]): boolean;
  /** Tells that it leaves, if it can be told, and is silent from then on. */
  leave(): Promise<void>;
}

/** How long a hello waits for an answer of somebody who was never heard. */
const HELLO_PATIENCE_MS = 1500;
const LEAVE_PATIENCE_MS = 1000;
/** Most pass by themselves. */
const TOLD_TROUBLES = 3;

/** Who lives: everybody says so about every `heartbeatMs`, and is dead when nothing was heard of it for `deadAfterMs`. */
export function createMembership(options: MembershipOptions): Membership {
  const { bus, clock, log, heartbeatMs, deadAfterMs, me, standing, onNews } = options;
  const { worker, service, incarnation, since } = me;
  const known = new Map<string, Member>();
  const told = new Set<string>();
  let lastEchoAt = -Infinity;
  let hearingSince = -Infinity;
  let hello = true;
  let changed = false;
  let publishing: Promise<void> | undefined;
  let failures = 0;
  /** Those of them for which there is no known reason. */
  let troubles = 0;
  /** It was told that nobody hears it. */
  let unheard = false;
  let cancelBeat = (): void => {};
  let subscription: { close(): Promise<void> } | undefined;
  let stopped = false;
  /** What was said last: its echo need not be read. */
  let said: { readonly content: Buffer; readonly asks: boolean } = { content: Buffer.of(), asks: false };

  const hearing = (): boolean => clock.now() - lastEchoAt <= 3 * heartbeatMs;
  const alive = ({ lastSeenAt }: Member): boolean =>
    !hearing() || clock.now() - Math.max(lastSeenAt, hearingSince) <= deadAfterMs;

  function once(what: string, say: () => void): void {
    if (!told.has(what)) say();
    told.add(what);
  }

  function hear(packet: Packet): void {
    if (!stopped && packet.content.equals(said.content)) {
      hearEcho(said.asks);
      return;
    }
    let announcement: Announcement;
    try {
      announcement = decodeAnnouncement(packet);
    } catch (error) {
      once('unreadable', () => log.warn('ignored an announcement that cannot be read', { reason: reasonOf(error) }));
      return;
    }
    if (stopped || announcement.service !== service) return;
    if (announcement.worker !== worker) hearOther(announcement);
    else if (announcement.incarnation === incarnation) hearEcho(announcement.hello ?? false);
    else hearNamesake(announcement);
    if (announcement.hello && announcement.incarnation !== incarnation) announce();
  }

  function hearEcho(asked: boolean): void {
    const heardAllAlong = hearing();
    lastEchoAt = clock.now();
    if (heardAllAlong) return;
    hearingSince = clock.now();
    if (!asked) {
      hello = true;
      announce();
    }
    onNews(0);
  }

  /** What the process that had this name before said last may still come; a living one says more. */
  function hearNamesake(announcement: Announcement): void {
    if (announcement.kind === 'alive' && announcement.since >= since)
      once('namesake', () => log.error('another process has the same worker id', { worker }));
  }

  function hearOther(announcement: Announcement): void {
    const before = known.get(announcement.worker);
    const same = before?.announcement.incarnation === announcement.incarnation;
    if (before !== undefined && !same && announcement.since < before.announcement.since) return;
    if (announcement.kind === 'leave') {
      if (known.delete(announcement.worker)) onNews(0);
      return;
    }
    const lastSeenAt = clock.now();
    const peer = peerOf(same ? before.peer : undefined, announcement, lastSeenAt);
    known.set(announcement.worker, { announcement, lastSeenAt, peer });
    if (peer !== before?.peer || announcement.draining !== before.announcement.draining)
      onNews(announcement.tableVersion);
  }

  function announce(): void {
    // Before it hears the others nobody may be there to hear it; `start` announces.
    if (stopped || subscription === undefined) return;
    changed = true;
    publishing ??= publish().finally(() => {
      publishing = undefined;
    });
  }

  async function publish(): Promise<void> {
    while (changed && !stopped) {
      changed = false;
      const asks = hello;
      const packet = encodeAnnouncement({ ...me, ...standing(), kind: 'alive', ...(asks ? { hello: true } : {}) });
      said = { content: packet.content, asks };
      try {
        await bus.publish(WORKERS, packet, service);
        if (asks) hello = false;
        if (unheard) log.info('announces itself again');
        failures = 0;
        troubles = 0;
        unheard = false;
      } catch (error) {
        failures += 1;
        if (isAway(error)) continue;
        troubles += 1;
        if (troubles < TOLD_TROUBLES || unheard) continue;
        unheard = true;
        log.warn('cannot announce itself', { reason: reasonOf(error) });
      } finally {
        beat();
      }
    }
  }

  function beat(): void {
    cancelBeat();
    if (stopped) return;
    const ms =
      failures > 0
        ? backoffMs({ baseMs: heartbeatMs / 10, capMs: heartbeatMs }, failures, clock.random)
        : heartbeatMs * (0.8 + 0.4 * clock.random());
    cancelBeat = clock.after(ms, announce);
  }

  return {
    announce,
    hearing,
    async start() {
      const listening = await bus.subscribe(WORKERS, [service], hear);
      if (stopped) {
        await listening.close();
        return;
      }
      subscription = listening;
      announce();
    },
    others() {
      for (const [name, member] of known) {
        if (alive(member)) continue;
        known.delete(name);
        log.warn('a worker is silent and counts as dead', { dead: name, silentMs: clock.now() - member.lastSeenAt });
      }
      return known;
    },
    undecided: (workers) =>
      !hearing() ||
      (clock.now() - hearingSince <= HELLO_PATIENCE_MS && workers.some((name) => name !== worker && !known.has(name))),
    async leave() {
      if (stopped) return;
      stopped = true;
      cancelBeat();
      const patience = new AbortController();
      const said = (publishing ?? Promise.resolve()).then(() =>
        bus.publish(WORKERS, encodeAnnouncement({ ...me, ...standing(), kind: 'leave' }), service),
      );
      await Promise.race([said, clock.sleep(LEAVE_PATIENCE_MS, patience.signal)]).catch(() => {});
      patience.abort();
      await subscription?.close();
    },
  };
}

/** The connection to the broker tells of its absence itself. */
function isAway(error: unknown): boolean {
  return error instanceof PublishError && error.code === 'not-connected';
}
