import type { Limits } from './limits.ts';
import { createMailbox, idle, reset, type Mailbox } from './mailbox.ts';
import type { EntityStore } from './store.ts';
import { emptyDocument } from './document.ts';
import { backoffMs } from '#shared/backoff.ts';
import type { Clock } from '#shared/clock.ts';
import { reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';

export interface Mailboxes<State> {
  /** The mailbox of a key, made when there is none, for messages of this channel. */
  open(key: string, channel: number): Mailbox<State>;
  /** The mailbox if there is one. */
  peek(key: string): Mailbox<State> | undefined;
  /** Loads the document with those of others that ask in the same turn, then wakes the mailbox up. */
  load(box: Mailbox<State>): void;
  /** A channel ended: what it brought is somebody else's now, and so are the documents. */
  dropChannel(channel: number): void;
  /** Some mailbox (of this channel) runs a handler or waits for a commit. */
  busy(channel?: number): boolean;
  /** By queue: when the oldest of the messages that wait or run was delivered. */
  oldest(): ReadonlyMap<string, number>;
}

/** Every key that this engine knows something about; idle ones are kept as a cache, least recently used first out. */
export function createMailboxes<State>(options: {
  readonly store: EntityStore<State>;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: Limits;
  readonly wakeUp: (box: Mailbox<State>) => void;
}): Mailboxes<State> {
  const { store, clock, log, limits } = options;
  const boxes = new Map<string, Mailbox<State>>();
  let wanted = new Set<Mailbox<State>>();
  const loading = new Set<Mailbox<State>>();

  function evict(): void {
    let excess = boxes.size - limits.cacheSize;
    for (const [key, box] of boxes) {
      if (excess <= 0) return;
      excess -= 1;
      if (idle(box) && !loading.has(box)) boxes.delete(key);
    }
  }

  async function loadWanted(): Promise<void> {
    const batch = new Map([...wanted].map((box) => [box.key, { box, generation: box.generation }]));
    wanted = new Set();
    for (let tries = 1; ; tries += 1) {
      try {
        const found = await store.load([...batch.keys()]);
        for (const [key, { box, generation }] of batch) {
          loading.delete(box);
          if (box.generation === generation) {
            box.document = found.get(key) ?? emptyDocument(key);
            box.unflushed = box.document.journal;
          }
          options.wakeUp(box);
        }
        return;
      } catch (error) {
        if (tries === 3)
          log.warn('loading documents does not succeed, still trying', { keys: batch.size, reason: reasonOf(error) });
        for (const [key, { box }] of batch) {
          if (!idle(box)) continue;
          loading.delete(box);
          batch.delete(key);
        }
        if (batch.size === 0) return;
        await clock.sleep(backoffMs(limits.retry, tries, clock.random));
      }
    }
  }

  return {
    open(key, channel) {
      let box = boxes.get(key);
      if (box === undefined) {
        box = createMailbox<State>(key, channel);
        if (boxes.size >= limits.cacheSize) evict();
      } else {
        boxes.delete(key);
        box.channel = channel;
      }
      boxes.set(key, box);
      return box;
    },
    peek: (key) => boxes.get(key),
    load(box) {
      if (loading.has(box)) return;
      loading.add(box);
      if (wanted.size === 0) clock.soon(() => void loadWanted());
      wanted.add(box);
    },
    dropChannel(channel) {
      for (const [key, box] of boxes) {
        if (box.channel !== channel) continue;
        reset(box, []);
        box.tasks = [];
        boxes.delete(key);
      }
    },
    busy(channel) {
      for (const box of boxes.values()) {
        if (channel !== undefined && box.channel !== channel) continue;
        if (box.running || box.committing || box.staged !== undefined) return true;
      }
      return false;
    },
    oldest() {
      const found = new Map<string, number>();
      for (const box of boxes.values()) {
        for (const task of box.tasks) {
          if (task.kind !== 'message') continue;
          const { queue } = task.receipt.delivery;
          found.set(queue, Math.min(task.receivedAt, found.get(queue) ?? Infinity));
        }
      }
      return found;
    },
  };
}
