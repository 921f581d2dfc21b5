import { unstashed, withLists } from './document.ts';
import { current, type Mailbox, type Run, type Step, type Task, type UnsentTask } from './mailbox.ts';
import type { StepParts, Steps } from './steps.ts';
import type { Unsent } from './store.ts';
import { backoffMs } from '#shared/backoff.ts';
import { encode } from '#shared/bus/envelope.ts';
import { reasonOf } from '#shared/errors.ts';

/** What a key owes to the broker: dead letters, and sends that were refused. */
export function createOwing<State>(parts: StepParts<State>, steps: Steps<State>) {
  const { clock, limits, log, meter, inbox, outbox, consumers } = parts;

  async function again(one: Unsent): Promise<Unsent | undefined> {
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
      if (await outbox.bury(encode(message), why, attempts, () => true)) return undefined;
    }
    return { ...one, attempts, reason, nextTryAt: clock.now() + backoffMs(limits.resend, attempts, clock.random) };
  }

  return {
    /** To the dead letters, confirmed; then it is done with. */
    bury(box: Mailbox<State>, task: Task, { what, message, attempts }: Run, reason: string): Step {
      meter.died(inbox.labelOf(message.type));
      const { channel } = box;
      const packet = task.kind === 'message' ? task.receipt.delivery.packet : encode(message);
      const alive = () => task.kind === 'detached' || consumers.alive(channel);
      const buried = outbox.bury(packet, reason, attempts, alive);
      steps.later(
        box,
        buried.then((confirmed) => () => {
          if (!confirmed) return 'wait';
          if (what !== 'stashed') return steps.finish(box, steps.settlingOf(box, task));
          return steps.changeHeld(box, task, unstashed(withLists(current(box), {}), [], clock.now()));
        }),
      );
      return 'wait';
    },

    /** Tries every due unsent message once; those refused again wait longer, those past their deadline are given up. */
    sendAgain(box: Mailbox<State>, task: Task): Step {
      // Nothing leaves before it is committed that it is to be sent.
      if (box.writing.is !== 'nothing') return 'wait';
      const now = clock.now();
      const due = current(box).unsent.filter((one) => one.nextTryAt <= now);
      const tried = Promise.all(due.map(async (one) => [one.send.message.id, await again(one)] as const));
      steps.later(
        box,
        tried.then((results) => () => {
          const document = current(box);
          const after = new Map(results);
          const unsent = document.unsent.flatMap((one) => {
            const { id } = one.send.message;
            return after.has(id) ? (after.get(id) ?? []) : [one];
          });
          return steps.changeHeld(box, task, withLists(document, { unsent }));
        }),
      );
      return 'wait';
    },

    /** Writes down what the broker refused; only then its cause is acknowledged. */
    noteUnsent(box: Mailbox<State>, task: UnsentTask): Step {
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
      return steps.change(box, withLists(document, { unsent: [...document.unsent, ...news] }), [
        steps.settlingOf(box, task),
      ]);
    },
  };
}

export type Owing<State> = ReturnType<typeof createOwing<State>>;
