import { Readable } from 'node:stream';
import { breakerOf, transitionOf } from './breaker-shape.ts';
import { Problem, retryAfter } from '#shared/web/problems.ts';
import type { BreakerBoard } from '#services/circuit-breaker/board.ts';
import type { Breaker } from '#services/circuit-breaker/contract.ts';
import type { Clock } from '#shared/clock.ts';

export interface StreamOptions {
  readonly board: BreakerBoard;
  readonly clock: Clock;
  readonly heartbeatMs?: number;
  readonly maxClients?: number;
  /** How many transitions can be replayed. */
  readonly kept?: number;
  /** A client that is further behind is cut off; it comes back with its `Last-Event-ID`. */
  readonly maxBehindBytes?: number;
}

/** Server-sent events (WHATWG HTML, 9.2) of what the breakers do. */
export interface EventStream {
  /**
   * First what happened since the event of that id, then the state of all routes (`snapshot`), then every transition (`breaker`)
   * and, when anything else changed, another `snapshot`. At `acceptedUntil` (epoch ms) an event `end` is the last one.
   * Throws a `Problem` when too many listen.
   */
  open(listener?: { readonly lastEventId?: number | undefined; readonly acceptedUntil?: number | undefined }): Readable;
  readonly clients: number;
  /** Ends every stream; new ones end at once. */
  close(): void;
}

/** Timers know no longer time; who still listens then comes back. */
const LONGEST_MS = 2 ** 31 - 1;

interface Transition {
  readonly id: number;
  readonly text: string;
}

/**
 * Ids are made from the time and the route of a transition, which the breaker broadcasts with its last fifty: another
 * copy of the gateway, or this one restarted, gives the same ids and can replay as well.
 */
export function createStream(options: StreamOptions): EventStream {
  const { board, clock, heartbeatMs = 15_000, maxClients = 200, kept = 500, maxBehindBytes = 1024 * 1024 } = options;
  const clients = new Set<Readable>();
  /** Opened before any breaker reported, with the id that they ask from. */
  const early = new Map<Readable, number | undefined>();
  const ring: Transition[] = [];
  const newest = new Map<string, number>();
  let lastId = 0;
  let shown = '';
  let closed = false;

  const unlisten = board.listen(() => {
    const added = news();
    ring.push(...added);
    ring.splice(0, ring.length - kept);
    const state = snapshot();
    for (const client of clients) {
      for (const { text } of added) write(client, text);
      if (state !== shown) write(client, `event: snapshot\n${state}`);
    }
    shown = state;
    for (const [client, from] of early) greet(client, from);
  });
  let cancelBeat = clock.after(heartbeatMs, beat);

  function beat(): void {
    for (const client of [...clients, ...early.keys()]) write(client, ': alive\n\n');
    cancelBeat = clock.after(heartbeatMs, beat);
  }

  function news(): readonly Transition[] {
    const fresh = board
      .all()
      .flatMap(({ breaker }, index) => {
        const since = newest.get(breaker.route) ?? 0;
        const found = breaker.transitions.filter(({ at }) => at > since);
        newest.set(breaker.route, Math.max(since, ...found.map(({ at }) => at)));
        return found.map((transition) => ({ breaker, transition, index }));
      })
      .toSorted((a, b) => a.transition.at - b.transition.at || a.index - b.index);
    return fresh.map(({ breaker, transition, index }) => {
      lastId = Math.max(lastId + 1, transition.at * 100 + index);
      return { id: lastId, text: `id: ${lastId}\nevent: breaker\n${transitionData(breaker, transition)}` };
    });
  }

  function snapshot(): string {
    return dataOf({ items: board.all().map(({ breaker }) => breakerOf(breaker)) });
  }

  function greet(client: Readable, from: number | undefined): void {
    early.delete(client);
    clients.add(client);
    const missed = from === undefined ? [] : ring.filter(({ id }) => id > from);
    for (const { text } of missed) write(client, text);
    const id = missed.length === 0 && from === undefined && lastId > 0 ? `id: ${lastId}\n` : '';
    write(client, `${id}event: snapshot\n${snapshot()}`);
  }

  function write(client: Readable, text: string): void {
    if (client.destroyed || !(clients.has(client) || early.has(client))) return;
    client.push(text);
    if (client.readableLength > maxBehindBytes) client.destroy();
  }

  /** A client that comes back with the same token is told 401, and tries no more. */
  function endAt(client: Readable, at: number): () => void {
    return clock.after(Math.min(at - clock.now(), LONGEST_MS), () => {
      write(client, `event: end\n${dataOf({ reason: 'the token has expired' })}`);
      end(client);
    });
  }

  /** Nothing may be written to it any more, however slowly it reads. */
  function end(client: Readable): void {
    if (!clients.delete(client) && !early.delete(client)) return;
    client.push(null);
  }

  return {
    open({ lastEventId, acceptedUntil } = {}) {
      if (clients.size + early.size >= maxClients)
        throw new Problem('too-many-requests', 'too many listen already', { headers: retryAfter(5000) });
      const client = new Readable({ read() {} });
      client.push('retry: 1000\n\n');
      if (closed) {
        client.push(null);
        return client;
      }
      const cancelEnd = acceptedUntil === undefined ? undefined : endAt(client, acceptedUntil);
      client.once('close', () => {
        cancelEnd?.();
        clients.delete(client);
        early.delete(client);
      });
      if (board.all().length === 0) early.set(client, lastEventId);
      else greet(client, lastEventId);
      return client;
    },
    get clients() {
      return clients.size + early.size;
    },
    close() {
      closed = true;
      unlisten();
      cancelBeat();
      for (const client of [...clients, ...early.keys()]) end(client);
    },
  };
}

function transitionData({ route }: Breaker, transition: Breaker['transitions'][number]): string {
  return dataOf({ route, state: transition.to, ...transitionOf(transition) });
}

function dataOf(value: unknown): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}
