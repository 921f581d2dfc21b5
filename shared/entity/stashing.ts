import { stashedInto, unstashed, withLists } from './document.ts';
import { current, type Mailbox, type MessageTask, type Settling, type Step, type Task } from './mailbox.ts';
import type { StepParts, Steps } from './steps.ts';
import type { Document, Stashed } from './store.ts';
import { successorsThatFit, type Circumstances } from './verdict.ts';
import type { Send } from '#shared/message.ts';

/** How messages get into the stash of a document, wait there, and leave it. */
export function createStashing<State>(parts: StepParts<State>, steps: Steps<State>) {
  const { entity, clock, limits, log, meter } = parts;
  /** By pair of partitions, when it was told that keys moved between them. */
  const toldAt = new Map<string, number>();

  function stashedOf(box: Mailbox<State>, task: MessageTask, nextTryAt: number, more: Partial<Stashed> = {}): Stashed {
    box.bytes += task.bytes;
    const { message, attempts, receivedAt: since, unread } = task;
    return { message, attempts, nextTryAt, since, ...(unread && { unread: true as const }), ...more };
  }

  function withStash(box: Mailbox<State>, stash: readonly Stashed[]): Document<State> {
    const document = current(box);
    const queue = box.tasks.find((task) => 'queue' in task)?.queue;
    return withLists(
      document.partition === undefined && queue !== undefined ? { ...document, partition: queue } : document,
      { stash },
    );
  }

  /** Once a minute for each pair. */
  function tellMoved(from: string, to: string): void {
    const pair = `${from} ${to}`;
    if (clock.now() - (toldAt.get(pair) ?? 0) < 60_000) return;
    toldAt.set(pair, clock.now());
    log.warn('keys came by another partition than before: the hash ring of the broker changed; their order is kept', {
      route: entity.route,
      from,
      to,
    });
  }

  return {
    /** One message waits in the document, its delivery is acknowledged. */
    stashOne(box: Mailbox<State>, task: MessageTask, untilMs: number, moved: boolean): Step {
      if (moved) {
        meter.moved?.();
        tellMoved(current(box).partition ?? '', task.queue);
      }
      const one = stashedOf(box, task, untilMs, moved ? { movedTo: task.queue } : {});
      return steps.change(box, withStash(box, stashedInto(current(box).stash, [one])), [steps.settlingOf(box, task)]);
    },

    /** The failing head and its successors wait in the document, as many as there is room for. */
    stashLine(box: Mailbox<State>, circumstances: Circumstances, nextTryAt: number, head: Partial<Stashed>): Step {
      const document = current(box);
      const line = box.tasks.map((task) => (task.kind === 'message' ? task : undefined));
      const count = successorsThatFit(document, line, limits, circumstances);
      const tasks = line.slice(0, Math.max(1, count)).filter((task) => task !== undefined);
      const stash = tasks.map((task, index) => stashedOf(box, task, nextTryAt, index === 0 ? head : {}));
      log.warn('its messages wait in its document', {
        route: entity.route,
        key: box.key,
        messages: stash.length,
        reason: head.lastError ?? 'needs long',
      });
      return steps.change(
        box,
        withStash(box, stashedInto(document.stash, stash)),
        tasks.map((task) => steps.settlingOf(box, task)),
      );
    },

    /** The head of the stash waits on, changed like this. */
    restash(box: Mailbox<State>, task: Task, changed: Partial<Stashed>): Step {
      const document = current(box);
      const [old, ...behind] = document.stash;
      if (old === undefined) return 'done';
      const { leasedUntil: _lease, ...head } = old;
      return steps.changeHeld(box, task, withLists(document, { stash: [{ ...head, ...changed }, ...behind] }));
    },

    /** The head of the stash is done with; its delivery was acknowledged long before, so what it causes is written down as unsent. */
    unstash(box: Mailbox<State>, task: Task, done: Document<State>, sends: readonly Send[], settling: Settling): Step {
      steps.changeHeld(box, task, unstashed(done, sends, clock.now()), { ...settling, sends: [] });
      if (task.kind === 'detached' && sends.length > 0) box.tasks.unshift({ kind: 'send again' });
      return 'done';
    },
  };
}

export type Stashing<State> = ReturnType<typeof createStashing<State>>;
