import { withLists } from './document.ts';
import type { Flow } from './flow.ts';
import { current, type Mailbox, type Step, type Task } from './mailbox.ts';
import type { PumpParts } from './pump.ts';
import type { Unsent } from './store.ts';
import { backoffMs } from '#shared/backoff.ts';
import { reasonOf } from '#shared/errors.ts';

type MessageTask = Extract<Task, { kind: 'message' }>;

/** What a key does when it is woken: sends again what was refused, works off its stash, and runs its own wake. */
export function createWaking<State>(parts: PumpParts<State> & { readonly flow: Flow<State> }) {
  const { entity, clock, limits, log, outbox, flow } = parts;

  /** Replaces a wake at the head of the line by what is due. */
  function expand(box: Mailbox<State>, wake: MessageTask): Step {
    const document = current(box);
    const before = document.handled.find((handled) => handled.id === wake.message.id);
    if (before !== undefined) return flow.finish(box, flow.settlingOf(box, wake, before.sent ?? [], wake.receipt));
    const now = clock.now();
    const { traceparent } = document;
    const message = traceparent === undefined ? wake.message : { ...wake.message, traceparent };
    const ownDueAt = document.state === undefined ? undefined : entity.dueAt?.(document.state);
    const tasks: Task[] = [
      ...(document.unsent.some((one) => one.nextTryAt <= now) ? [{ kind: 'resend' } as const] : []),
      ...((document.stash[0]?.nextTryAt ?? Infinity) <= now
        ? document.stash.map((one) => ({ kind: 'stashed', message: one.message, attempts: one.attempts }) as const)
        : []),
      ...(ownDueAt !== undefined && ownDueAt <= now ? [{ kind: 'own-wake', message, attempts: 0 } as const] : []),
      { kind: 'wake-done', wake },
    ];
    box.tasks.splice(0, 1, ...tasks);
    return 'done';
  }

  /** Tries every due unsent message once; those refused again wait longer, those past their deadline are given up. */
  function resend(box: Mailbox<State>): Step {
    // Nothing leaves before it is committed that it is to be sent.
    if (box.staged !== undefined) return 'wait';
    const now = clock.now();
    const due = current(box).unsent.filter((one) => one.nextTryAt <= now);
    const tried = Promise.all(due.map(async (one) => ({ one, still: await again(one) })));
    return flow.later(
      box,
      tried.then((results) => () => {
        const document = current(box);
        const after = new Map(results.map(({ one, still }) => [one.send.message.id, still]));
        const unsent = document.unsent.flatMap((one) => {
          if (!after.has(one.send.message.id)) return [one];
          const still = after.get(one.send.message.id);
          return still === undefined ? [] : [still];
        });
        return flow.change(box, withLists(document, { unsent }), flow.settlingOf(box, { kind: 'resend' }, []));
      }),
    );
  }

  async function again(one: Unsent): Promise<Unsent | undefined> {
    if (one.send.message.deadline !== undefined && one.send.message.deadline < clock.now()) return undefined;
    let reason: string;
    try {
      const refused = await outbox.publish(one.send);
      if (refused === undefined) return undefined;
      ({ reason } = refused);
    } catch (error) {
      reason = reasonOf(error);
    }
    const attempts = one.attempts + 1;
    return { ...one, attempts, reason, nextTryAt: clock.now() + backoffMs(limits.resend, attempts, clock.random) };
  }

  /** Writes down what the broker refused; only then its cause is acknowledged. */
  function remember(box: Mailbox<State>, task: Extract<Task, { kind: 'refused-sends' }>): Step {
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
    const settling = flow.settlingOf(box, task, [], task.receipt);
    return flow.change(box, withLists(document, { unsent: [...document.unsent, ...news] }), settling);
  }

  return { expand, resend, remember };
}
