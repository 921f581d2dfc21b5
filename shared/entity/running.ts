import { applied, bytesOf } from './document.ts';
import type { Failing } from './failing.ts';
import type { HangWatch } from './standstill.ts';
import { current, putNext, type DetachedTask, type Mailbox, type MessageTask, type Run, type Step } from './mailbox.ts';
import { createRunner, limitOf, type Outcome, type Slots } from './run.ts';
import type { Stashing } from './stashing.ts';
import type { StepParts, Steps } from './steps.ts';
import type { Document } from './store.ts';
import { successorsThatFit, type Circumstances } from './verdict.ts';
import { waitsSince } from './waits.ts';
import { InvalidMessage } from '#shared/errors.ts';
import type { Message } from '#shared/message.ts';

export interface RunningParts<State> extends StepParts<State> {
  readonly hanging: HangWatch;
  readonly slots: Slots<Mailbox<State>>;
}

/** A message meets its handler; what the handler decided becomes the next version of the document, or it has failed. */
export function createRunning<State>(
  parts: RunningParts<State>,
  steps: Steps<State>,
  stashing: Stashing<State>,
  failing: Failing<State>,
) {
  const { clock, limits, log, meter, inbox, mailboxes, consumers, hanging, slots, pump } = parts;
  const run = createRunner<State>(parts);
  let detached = 0;

  function runIn(box: Mailbox<State>, what: 'stashed' | 'own wake', message: Message): Run {
    const head = what === 'stashed' ? current(box).stash[0] : undefined;
    const { attempts = 0, since = clock.now(), unread = false } = head ?? {};
    return { what, message, attempts, since, unread };
  }

  function circumstances(box: Mailbox<State>, message: Message): Circumstances {
    const isLong = limitOf(inbox.handlerOf(message), limits) > limits.effectMs;
    return {
      now: clock.now(),
      bytes: box.bytes,
      settledAt: consumers.settledAt(),
      noRoom: isLong && detached >= limits.detached,
    };
  }

  /** Runs the handler; a pure one concludes at once, the result of another is taken up when nothing is being written. */
  function perform(box: Mailbox<State>, task: MessageTask, one: Run): Step {
    if (!slots.free(box)) {
      box.head = { is: 'queued' };
      return 'wait';
    }
    box.startedAt = clock.now();
    const outcome = run(current(box), one.message, one.attempts + 1, one.unread);
    if (!(outcome instanceof Promise)) return conclude(box, task, one, outcome);
    const giveSlot = slots.take();
    const head = steps.later(
      box,
      outcome.then((late) => {
        giveSlot();
        return () => conclude(box, task, one, late);
      }),
    );
    if (limitOf(inbox.handlerOf(one.message), limits) === limits.effectMs) return 'wait';
    const { startedAt } = box;
    const cancel = clock.after(limits.effectMs, () => {
      if (box.head !== head) return;
      giveSlot();
      box.head = { is: 'ended', goOn: () => goOnWithout(box, task, one, outcome, startedAt) };
      pump(box);
    });
    void outcome.then(cancel);
    return 'wait';
  }

  /** A long run goes on without its delivery; its message and those behind it wait in the document, leased to it. */
  function goOnWithout(
    box: Mailbox<State>,
    task: MessageTask,
    one: Run,
    outcome: Promise<Outcome<State>>,
    startedAt: number,
  ): Step {
    const { message } = one;
    const leasedUntil = startedAt + limitOf(inbox.handlerOf(message), limits) + limits.leaseMarginMs;
    const head = { attempts: one.attempts + 1, nextTryAt: leasedUntil, leasedUntil };
    const now = circumstances(box, message);
    if (one.what === 'message') {
      const fits = successorsThatFit(current(box), [task], limits, now) > 0;
      if (!fits) {
        steps.later(
          box,
          outcome.then((late) => () => conclude(box, task, one, late)),
        );
        return 'wait';
      }
      stashing.stashLine(box, now, clock.now(), head);
    } else stashing.restash(box, task, head);
    detached += 1;
    const { key, channel } = box;
    void outcome.then((late) => {
      detached -= 1;
      const there = mailboxes.peek(key) ?? mailboxes.open(key, channel);
      putNext(there, { kind: 'detached', message, leasedUntil, outcome: late });
      pump(there);
    });
    return 'done';
  }

  function takeUp(box: Mailbox<State>, task: DetachedTask): Step {
    const [head] = current(box).stash;
    if (head?.message.id !== task.message.id || head.leasedUntil !== task.leasedUntil) {
      log.warn('what came of a long effect is not needed any more', { key: box.key, message: task.message.id });
      box.tasks.shift();
      return 'done';
    }
    const one = runIn(box, 'stashed', task.message);
    return conclude(box, task, { ...one, attempts: one.attempts - 1 }, task.outcome as Outcome<State>);
  }

  function conclude(box: Mailbox<State>, task: MessageTask | DetachedTask, one: Run, outcome: Outcome<State>): Step {
    if (!outcome.ok) return failing.failed(box, task, one, circumstances(box, one.message), outcome.error);
    const { message, what } = one;
    const now = clock.now();
    const { document, send } = applied(current(box), message, outcome.result, outcome.answer, now, limits, box.known);
    const problem = tooLarge(box, document, 2 * (task.kind === 'detached' ? 500 : task.bytes));
    if (problem !== undefined)
      return failing.failed(box, task, one, circumstances(box, one.message), new InvalidMessage(problem));
    meter.handled(message.type);
    hanging.succeeded(message.type);
    box.known.confirmed.clear();
    box.known.appended.clear();
    const settling = steps.settlingOf(box, task, send);
    const journal = [...settling.journal, ...(outcome.result.journal ?? [])];
    const ran = { what, id: message.id, type: message.type };
    const since = task.kind === 'message' ? waitsSince(task, box.startedAt, now) : undefined;
    const all = { ...settling, ran, journal, waitsSince: since };
    if (what === 'stashed') return stashing.unstash(box, task, document, send, all);
    const { queue } = task as MessageTask;
    // A wake says nothing of where the key's messages come by: older ones may still wait elsewhere.
    const isThere = what === 'own wake' || document.partition === queue;
    return steps.change(box, isThere ? document : { ...document, partition: queue }, [all]);
  }

  /** Why the document may not be written like this. It is measured only when it has grown by a quarter since the last time. */
  function tooLarge(box: Mailbox<State>, document: Document<State>, grown: number): string | undefined {
    const { maxDocumentBytes } = limits;
    const before = box.bytes;
    box.bytes += grown;
    if (box.bytes <= maxDocumentBytes / 2 || box.bytes <= box.measured * 1.25) return undefined;
    const bytes = bytesOf(document);
    const least = bytes - bytesOf(document.handled.slice(0, -1));
    if (least > maxDocumentBytes) {
      box.bytes = before;
      return `its document would have ${least} bytes, more than ${maxDocumentBytes}`;
    }
    box.bytes = box.measured = bytes;
    return undefined;
  }

  return {
    runIn,
    circumstances,
    perform,
    takeUp,
    /** Long effects that go on without their deliveries. */
    get detached() {
      return detached;
    },
  };
}
