import type { Committer } from './commit.ts';
import { stashedInto, unstashed, withLists } from './document.ts';
import type { Handlers } from './handlers.ts';
import type { Keys } from './keys.ts';
import {
  current,
  later,
  settlingOf,
  type Mailbox,
  type MessageTask,
  type Settling,
  type Task,
  type UnsentTask,
} from './mailbox.ts';
import type { EngineMeter, EngineOptions } from './options.ts';
import type { Outbox } from './outbox.ts';
import type { Document, Stashed, Unsent } from './store.ts';
import { successorsThatFit } from './verdict.ts';
import type { Consumers } from '#shared/bus/registrations.ts';
import { backoffMs } from '#shared/backoff.ts';
import { encodeSend } from '#shared/bus/envelope.ts';
import { reasonOf } from '#shared/errors.ts';
import type { Send } from '#shared/message.ts';

/** What the steps of a key are made with. */
export interface Parts<State> extends EngineOptions<State> {
  readonly meter: EngineMeter;
  readonly handlers: Handlers<State>;
  readonly outbox: Outbox;
  readonly keys: Keys<State>;
  readonly committer: Committer<State>;
  readonly consumers: Consumers;
  /** Gives everything back to the broker. */
  readonly giveBack: (reason: string) => void;
  readonly pump: (box: Mailbox<State>) => void;
}

/** What a document keeps for later: messages in its stash, and sends that the broker refused. */
export function createKeeping<State>(parts: Parts<State>) {
  const { entity, clock, limits, log, meter, keys, outbox, committer, pump } = parts;
  /** By pair of partitions, when it was told that keys moved between them. */
  const toldAt = new Map<string, number>();

  function stashedOf(box: Mailbox<State>, task: MessageTask, nextTryAt: number, more: Partial<Stashed> = {}): Stashed {
    keys.weigh(box, box.bytes + task.bytes);
    const { message, attempts, receivedAt: since, unread } = task;
    return { message, attempts, nextTryAt, since, ...(unread && { unread: true as const }), ...more };
  }

  function withStash(box: Mailbox<State>, more: readonly Stashed[]): Document<State> {
    const document = current(box);
    const stash = stashedInto(document.stash, more);
    const queue = box.tasks.find((task) => 'queue' in task)?.queue;
    const isFirst = document.partition === undefined && queue !== undefined;
    return withLists(isFirst ? { ...document, partition: queue } : document, { stash });
  }

  /** How many of the messages in line, from the head on, have room in the document. */
  function thatFit(box: Mailbox<State>): number {
    const line = box.tasks.map((task) => (task.kind === 'message' ? task : undefined));
    return successorsThatFit(current(box), line, limits, { now: clock.now(), bytes: box.bytes });
  }

  /** Once a minute for each pair. */
  function tellMoved(from: string, to: string): void {
    meter.moved?.();
    const pair = `${from} ${to}`;
    if (clock.now() - (toldAt.get(pair) ?? 0) < 60_000) return;
    toldAt.set(pair, clock.now());
    log.warn('keys came by another partition than before: the hash ring of the broker changed; their order is kept', {
      route: entity.route,
      from,
      to,
    });
  }

  async function sendOnce(one: Unsent): Promise<Unsent | undefined> {
    const { message } = one.send;
    if (message.deadline !== undefined && message.deadline < clock.now()) return undefined;
    let reason: string;
    try {
      const refused = await outbox.publish(one.send);
      if (refused === undefined) return undefined;
      ({ reason } = refused);
    } catch (error) {
      reason = reasonOf(error);
    }
    const attempts = one.attempts + 1;
    if (message.deadline === undefined && clock.now() - one.since >= limits.unsentMs) {
      const why = `it could not be sent to ${one.send.exchange}: ${reason}`;
      if (await outbox.bury(encodeSend(one.send), why, attempts, () => true)) return undefined;
    }
    return { ...one, attempts, reason, nextTryAt: clock.now() + backoffMs(limits.resend, attempts, clock.random) };
  }

  return {
    /** One message waits in the document, its delivery is acknowledged. */
    stashOne(box: Mailbox<State>, task: MessageTask, untilMs: number, moved: boolean): void {
      if (moved) tellMoved(current(box).partition ?? '', task.queue);
      const one = stashedOf(box, task, untilMs, moved ? { movedTo: task.queue } : {});
      committer.change(box, withStash(box, [one]), [settlingOf(box, task)]);
    },

    thatFit,

    /** The head of the line and its successors wait in the document, as many as there is room for. */
    stashLine(box: Mailbox<State>, nextTryAt: number, head: Partial<Stashed>): void {
      const count = Math.max(1, thatFit(box));
      const tasks = box.tasks.slice(0, count).filter((task): task is MessageTask => task.kind === 'message');
      const stash = tasks.map((task, index) => stashedOf(box, task, nextTryAt, index === 0 ? head : {}));
      log.warn('its messages wait in its document', {
        route: entity.route,
        key: box.key,
        messages: stash.length,
        reason: head.lastError ?? 'needs long',
      });
      const settling = tasks.map((task) => settlingOf(box, task));
      committer.change(box, withStash(box, stash), settling);
    },

    /** The head of the stash waits on, changed like this. */
    restash(box: Mailbox<State>, task: Task, changed: Partial<Stashed>): void {
      const document = current(box);
      const [old, ...behind] = document.stash;
      if (old === undefined) return;
      const { leasedUntil: _lease, ...head } = old;
      committer.changeHeld(box, task, withLists(document, { stash: [{ ...head, ...changed }, ...behind] }));
    },

    /** The head of the stash is done with; its delivery was acknowledged long before, so what it causes is written down as unsent. */
    unstash(
      box: Mailbox<State>,
      task: Task,
      done: Document<State>,
      sends: readonly Send[],
      settling: Settling = settlingOf(box, task),
    ): void {
      committer.changeHeld(box, task, unstashed(done, sends, clock.now()), { ...settling, sends: [] });
      if (task.kind === 'detached' && sends.length > 0) box.tasks.unshift({ kind: 'send again' });
    },

    /** Writes down what the broker refused; only then its cause is acknowledged. */
    keepUnsent(box: Mailbox<State>, task: UnsentTask): void {
      const document = current(box);
      const now = clock.now();
      const news = task.sends
        .filter(({ send }) => !document.unsent.some((one) => one.send.message.id === send.message.id))
        .map(({ send, reason }) => ({
          send,
          attempts: 1,
          reason,
          since: now,
          nextTryAt: now + backoffMs(limits.resend, 1, clock.random),
        }));
      log.warn('the broker refused messages: kept, sent again later', {
        key: box.key,
        messages: news.map((one) => one.send.message.id),
        reason: news[0]?.reason,
      });
      committer.change(box, withLists(document, { unsent: [...document.unsent, ...news] }), [settlingOf(box, task)]);
    },

    /** Tries every due unsent message once; those refused again wait longer, those past their deadline are given up. */
    sendAgain(box: Mailbox<State>, task: Task): void {
      // Nothing leaves before it is committed that it is to be sent.
      if (box.writing.is !== 'nothing') {
        box.head = { is: 'unwritten' };
        return;
      }
      const now = clock.now();
      const due = current(box).unsent.filter((one) => one.nextTryAt <= now);
      later(box, pump, async () => {
        const tried = await Promise.all(due.map(async (one) => [one.send.message.id, await sendOnce(one)] as const));
        const after = new Map(tried);
        return () => {
          const document = current(box);
          const unsent = document.unsent.flatMap((one) => {
            const { id } = one.send.message;
            return after.has(id) ? (after.get(id) ?? []) : [one];
          });
          committer.changeHeld(box, task, withLists(document, { unsent }));
        };
      });
    },
  };
}

export type Keeping<State> = ReturnType<typeof createKeeping<State>>;
