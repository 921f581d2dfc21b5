import { bytesOf, emptyDocument } from './document.ts';
import { createMailbox, release, reset, type Head, type Mailbox, type Task } from './mailbox.ts';
import type { Cached, EngineOptions } from './options.ts';
import { insist } from '#shared/insist.ts';

export interface Keys<State> {
  /** The mailbox of a key, made when there is none, for messages of this channel. */
  open(key: string, channel: number): Mailbox<State>;
  /** The mailbox if there is one. */
  peek(key: string): Mailbox<State> | undefined;
  /** The document has about so many bytes. */
  weigh(box: Mailbox<State>, documentBytes: number): void;
  /** What is in memory: documents that are in use, and those that are kept because they may be used again. */
  readonly cached: Cached;
  /** Loads the document, again if it is known, with those of others that ask in the same turn, then wakes the mailbox up. */
  load(box: Mailbox<State>): void;
  /** A channel ended: what it brought is somebody else's now, and so are the documents. */
  dropChannel(channel: number): void;
  /** Some mailbox (of this channel) runs a handler or waits for a commit. */
  busy(channel?: number): boolean;
  /** By queue: when the oldest of the messages that wait or run was delivered. */
  oldest(): ReadonlyMap<string, number>;
  /** By channel: since when the key that stands still longest has done so, epoch ms; those whose documents are full wait for wakes, until they have half of a prefetch. */
  standing(): ReadonlyMap<number, number>;
  /** Whether one more handler may be at work; a mailbox that may not waits its turn, first come, first served. */
  mayWork(box: Mailbox<State>): boolean;
  /** A handler is at work from now on; the function ends it, once. */
  work(): () => void;
}

/** The channel that brought it; `undefined`: the engine made it itself. */
function channelOf(task: Task): number | undefined {
  return task.kind === 'message' || task.kind === 'wake' ? task.receipt.delivery.channel : undefined;
}

/** Nothing under way and nothing in line: the mailbox may be dropped. */
function isIdle<State>(box: Mailbox<State>): boolean {
  return box.tasks.length === 0 && box.head.is === 'free' && box.writing.is === 'nothing';
}

/** What a mailbox takes besides its document. */
const BOX_BYTES = 1000;
/** Mailboxes that are looked at to make room for one. */
const MOST_LOOKS = 100;

/** Every key that this engine knows something about; idle ones are kept as a cache, least recently used first out. */
export function createKeys<State>(
  options: Pick<EngineOptions<State>, 'store' | 'clock' | 'log' | 'limits'> & {
    readonly pump: (box: Mailbox<State>) => void;
    readonly isAlive: (channel: number) => boolean;
  },
): Keys<State> {
  const { store, clock, limits, pump } = options;
  const boxes = new Map<string, Mailbox<State>>();
  let wanted = new Map<Mailbox<State>, Head>();
  /** Of all mailboxes. */
  let bytes = 0;

  let atWork = 0;
  let endedAt = clock.now();
  const queued = new Set<Mailbox<State>>();

  function weigh(box: Mailbox<State>, documentBytes: number): void {
    if (boxes.get(box.key) === box) bytes += documentBytes - box.bytes;
    box.bytes = documentBytes;
  }

  function drop(box: Mailbox<State>): void {
    boxes.delete(box.key);
    bytes -= box.bytes + BOX_BYTES;
  }

  /** Idle ones go, oldest first, until number and bytes are kept; those in use make room for looks at others. */
  function evict(): void {
    let looks = 0;
    for (const [key, box] of boxes) {
      looks += 1;
      if ((boxes.size < limits.cacheSize && bytes <= limits.cacheBytes) || looks > MOST_LOOKS) return;
      if (isIdle(box)) {
        drop(box);
      } else {
        boxes.delete(key);
        boxes.set(key, box);
      }
    }
  }

  async function loadWanted(): Promise<void> {
    const batch = new Map([...wanted].map(([box, head]) => [box.key, { box, head }]));
    wanted = new Map();
    const isWanted = (): boolean => {
      for (const [key, { box, head }] of batch) if (box.head !== head) batch.delete(key);
      return batch.size > 0;
    };
    const how = { warning: 'loading documents does not succeed, still trying', fields: { keys: batch.size } };
    const found = await insist(options, { ...how, backoff: limits.retry, isWanted }, () =>
      store.load([...batch.keys()]),
    );
    if (found === undefined) return;
    for (const [key, { box, head }] of batch) {
      if (box.head !== head) continue;
      const document = found.get(key);
      if (box.document?.version !== (document?.version ?? 0)) {
        if (box.document !== undefined) reset(box);
        box.document = document ?? emptyDocument(key);
        weigh(box, (box.measured = document === undefined ? 0 : bytesOf(document)));
        box.unflushed = box.document.journal;
      }
      release(box);
      pump(box);
    }
    evict();
  }

  /** Those that wait for a handler's end go on, in their order. */
  function endWork(): void {
    atWork -= 1;
    endedAt = clock.now();
    for (const box of queued) {
      if (atWork >= limits.concurrency) break;
      queued.delete(box);
      if (box.head.is === 'queued') release(box);
      pump(box);
    }
  }

  return {
    open(key, channel) {
      let box = boxes.get(key);
      if (box === undefined) {
        box = createMailbox<State>(key, channel, clock.now());
        bytes += BOX_BYTES;
        evict();
      } else {
        boxes.delete(key);
        // What came of a long effect has opened it after its channel had ended: what is known from then may be old.
        if (box.channel !== channel && !options.isAlive(box.channel)) reset(box);
        box.channel = channel;
      }
      boxes.set(key, box);
      return box;
    },
    peek: (key) => boxes.get(key),
    weigh,
    get cached() {
      return { keys: boxes.size, bytes };
    },
    load(box) {
      if (wanted.size === 0) clock.soon(() => void loadWanted());
      box.head = { is: 'loading' };
      wanted.set(box, box.head);
    },
    dropChannel(channel) {
      for (const box of boxes.values()) {
        const isGone = (task: Task): boolean => channelOf(task) === channel;
        if (box.channel !== channel && !box.tasks.some(isGone)) continue;
        reset(box);
        // A key that has moved to another partition may have messages of two channels in line: the living one's stay.
        box.tasks = box.tasks.filter((task) => channelOf(task) !== undefined && !isGone(task));
        const [next] = box.tasks;
        if (next === undefined) {
          drop(box);
        } else {
          box.channel = channelOf(next)!;
          pump(box);
        }
      }
    },
    busy(channel) {
      for (const box of boxes.values()) {
        if (channel !== undefined && box.channel !== channel) continue;
        if (box.head.is === 'running' || box.head.is === 'ended' || box.writing.is !== 'nothing') return true;
      }
      return false;
    },
    oldest() {
      const found = new Map<string, number>();
      for (const box of boxes.values()) {
        for (const task of box.tasks) {
          if (task.kind !== 'message' && task.kind !== 'wake') continue;
          found.set(task.queue, Math.min(task.receivedAt, found.get(task.queue) ?? Infinity));
        }
      }
      return found;
    },
    standing() {
      const found = new Map<number, number>();
      const ofBox = ({ tasks, channel }: Mailbox<State>): number => (tasks[0] && channelOf(tasks[0])) ?? channel;
      /** By channel: what it has brought to keys whose documents are full. */
      const held = new Map<number, number>();
      for (const box of boxes.values()) {
        const of = ofBox(box);
        if (box.head.is === 'full') held.set(of, (held.get(of) ?? 0) + box.tasks.length);
      }
      for (const box of boxes.values()) {
        const { tasks, head, writing, progressAt } = box;
        if (tasks.length === 0 && writing.is === 'nothing') continue;
        const of = ofBox(box);
        // A few hold up nobody; with half of a prefetch they do, because the wakes that they wait for may stand behind them.
        if (head.is === 'full' && held.get(of)! < limits.prefetch / 2) continue;
        const since = head.is === 'queued' ? Math.max(progressAt, endedAt) : progressAt;
        found.set(of, Math.min(since, found.get(of) ?? Infinity));
      }
      return found;
    },
    mayWork(box) {
      if (atWork < limits.concurrency) return true;
      box.head = { is: 'queued' };
      queued.add(box);
      return false;
    },
    work() {
      atWork += 1;
      let isAtWork = true;
      return () => {
        if (!isAtWork) return;
        isAtWork = false;
        endWork();
      };
    },
  };
}
