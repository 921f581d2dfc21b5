import { withLists } from './document.ts';
import type { Flow } from './flow.ts';
import { current, type Mailbox, type Settling, type Step, type Task } from './mailbox.ts';
import type { PumpParts } from './pump.ts';
import type { Document, Stashed } from './store.ts';
import { backoffMs } from '#shared/backoff.ts';
import { encode } from '#shared/bus/envelope.ts';
import { EffectTimeout } from './run.ts';
import { InvalidMessage, reasonOf } from '#shared/errors.ts';
import { WAKE, type Message, type Send } from '#shared/message.ts';

type MessageTask = Extract<Task, { kind: 'message' }>;
type StashedTask = Extract<Task, { kind: 'stashed' }>;

/** What happens to a key whose handler failed: retry in place, then the stash, at last a dead letter. Other keys go on. */
export function createTrouble<State>(parts: PumpParts<State> & { readonly flow: Flow<State> }) {
  const { entity, clock, limits, log, meter, outbox, consumers, hanging, flow } = parts;

  /** Keys that wait in place for their next try. */
  const waiting = new Set<Mailbox<State>>();

  /** With this one, the waiting keys of its channel have more than half of what that may have in hand. */
  function crowds(box: Mailbox<State>): boolean {
    let held = box.tasks.length;
    for (const other of waiting) {
      if (other.retry === undefined) waiting.delete(other);
      else if (other.channel === box.channel) held += other.tasks.length;
    }
    return held > limits.prefetch / 2;
  }

  function failed(box: Mailbox<State>, task: Task, error: unknown): Step {
    if (task.kind !== 'message' && task.kind !== 'stashed' && task.kind !== 'own-wake') return 'wait';
    task.attempts += 1;
    const { message, attempts } = task;
    const hopeless = error instanceof InvalidMessage || attempts >= limits.attempts;
    log[hopeless || attempts > 2 ? 'warn' : 'info']('handler failed', {
      key: box.key,
      message: message.id,
      correlation: message.correlationId,
      attempt: attempts,
      reason: reasonOf(error),
    });
    meter.retried(message.type);
    const timedOut = error instanceof EffectTimeout;
    if (timedOut) hanging.timedOut(message.type, box.key);
    if (task.kind === 'own-wake') return flow.finish(box, flow.settlingOf(box, task, []));
    if (hopeless) return bury(box, task, `${reasonOf(error)} (after ${attempts} tries)`);
    const waitMs = backoffMs(limits.retry, attempts, clock.random);
    if (task.kind === 'stashed') return postpone(box, task, waitMs, reasonOf(error));
    // The next try, should it hang, has to end before the key's messages are to be off the queue.
    const isLate = clock.now() + waitMs + limits.effectMs >= task.receivedAt + limits.stashAfterMs;
    const hangs = timedOut && hanging.isWidespread(message.type);
    if (!hangs && (isLate || crowds(box))) return stashAll(box, waitMs, reasonOf(error));
    if (hangs && isLate) parts.giveBack(`${message.type} hangs for every key: ${reasonOf(error)}`);
    waiting.add(box);
    box.retry = clock.after(waitMs, () => {
      box.retry = undefined;
      flow.pump(box);
    });
    return 'wait';
  }

  function bury(box: Mailbox<State>, task: MessageTask | StashedTask, reason: string): Step {
    meter.died(task.message.type);
    const { channel } = box;
    const packet = task.kind === 'message' ? task.receipt.delivery.packet : encode(task.message);
    const buried = outbox.bury(packet, reason, task.attempts, () => consumers.alive(channel));
    return flow.later(
      box,
      buried.then((confirmed) => () => {
        if (!confirmed) return 'wait';
        if (task.kind === 'stashed')
          return unstashed(box, withLists(current(box), {}), [], flow.settlingOf(box, task, []));
        return flow.finish(box, flow.settlingOf(box, task, [], task.receipt));
      }),
    );
  }

  /**
   * The head of the stash is done with. Its delivery was acknowledged when it was stashed, so nothing else causes its sends
   * again: they are written down as unsent, and sent once they are.
   */
  function unstashed(box: Mailbox<State>, done: Document<State>, sends: readonly Send[], settling: Settling): Step {
    const now = clock.now();
    const unsent = sends.map((send) => ({ send, attempts: 0, reason: 'not sent yet', since: now, nextTryAt: now }));
    const after = box.tasks.findIndex((other) => other.kind !== 'stashed');
    if (sends.length > 0 && box.tasks[after]?.kind !== 'resend') box.tasks.splice(after, 0, { kind: 'resend' });
    const document = { ...done, stash: done.stash.slice(1), unsent: [...done.unsent, ...unsent] };
    return flow.change(box, document, settling);
  }

  /** The head of the stash failed again: it and those behind it wait in the document until the next wake. */
  function postpone(box: Mailbox<State>, task: StashedTask, waitMs: number, reason: string): Step {
    const document = current(box);
    const head = stashed(task.message, task.attempts, clock.now() + waitMs, reason);
    const behind = box.tasks.findIndex((other) => other.kind !== 'stashed');
    box.tasks.splice(1, (behind === -1 ? box.tasks.length : behind) - 1);
    return flow.change(
      box,
      withLists(document, { stash: [head, ...document.stash.slice(1)] }),
      flow.settlingOf(box, task, []),
    );
  }

  /** Takes the failing head and its successors off the queue into the document, as many as there is room for. */
  function stashAll(box: Mailbox<State>, waitMs: number, reason: string): Step {
    const document = current(box);
    const tasks = leadingMessages(box, limits.stashSize, document);
    const stash = tasks.map((task, index) =>
      stashed(task.message, task.attempts, clock.now() + waitMs, index === 0 ? reason : undefined),
    );
    log.warn('key in trouble: its messages wait in its document', {
      key: box.key,
      messages: stash.length,
      reason,
      route: entity.route,
    });
    return flow.change(box, withLists(document, { stash }), ...tasks.map((task) => settling(box, task)));
  }

  /** A message for a key whose stash is not empty stands behind it; a full stash leaves it unacknowledged on the queue. */
  function stashBehind(box: Mailbox<State>, task: MessageTask): Step {
    const document = current(box);
    if (document.stash.length >= limits.stashSize) return 'wait';
    const stash = [...document.stash, stashed(task.message, 0, clock.now())];
    return flow.change(box, withLists(document, { stash }), settling(box, task));
  }

  function settling(box: Mailbox<State>, task: MessageTask): Settling {
    return flow.settlingOf(box, task, [], task.receipt);
  }

  return { failed, unstashed, stashBehind };
}

function stashed(message: Message, attempts: number, nextTryAt: number, lastError?: string): Stashed {
  return { message, attempts, nextTryAt, ...(lastError === undefined ? {} : { lastError: lastError.slice(0, 500) }) };
}

/** The messages at the head of the line until something else stands there, or a duplicate: that is answered, not stashed. */
function leadingMessages<State>(box: Mailbox<State>, most: number, { handled }: Document<State>): MessageTask[] {
  const tasks: MessageTask[] = [];
  const known = new Set(handled.map(({ id }) => id));
  for (const task of box.tasks) {
    if (task.kind !== 'message' || task.message.type === WAKE || tasks.length >= most) break;
    if (known.has(task.message.id)) break;
    known.add(task.message.id);
    tasks.push(task);
  }
  return tasks;
}
