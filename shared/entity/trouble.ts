import { unstashed, withLists } from './document.ts';
import { EffectTimeout, UnknownType } from './handlers.ts';
import type { Keeping, Parts } from './keeping.ts';
import { hold, later } from './heads.ts';
import {
  current,
  settlingOf,
  type DetachedTask,
  type Mailbox,
  type MessageTask,
  type Run,
  type Task,
} from './mailbox.ts';
import { afterFailure, type Failure } from './verdict.ts';
import { backoffMs } from '#shared/backoff.ts';
import { encode } from '#shared/bus/envelope.ts';
import { InvalidMessage, reasonOf } from '#shared/errors.ts';

/** The database will not take the document that a message led to. */
export class DocumentRefused extends Error {
  override readonly name = 'DocumentRefused';
}

/** What becomes of a run that failed, or of a document that cannot be written: trouble stays with its key. */
export function createTrouble<State>(parts: Parts<State>, keeping: Keeping<State>) {
  const { clock, limits, log, meter, handlers, outbox, committer, hanging, pump } = parts;
  /** Keys that wait in place for their next try. */
  const waiting = new Set<Mailbox<State>>();

  function failed(box: Mailbox<State>, task: MessageTask | DetachedTask, tried: Run, error: unknown): void {
    const one = { ...tried, attempts: tried.attempts + 1 };
    const { message, attempts, what } = one;
    const effect = handlers.of(message)?.effect;
    const reason = reasonOf(error);
    const waitMs = backoffMs(effect?.retry ?? limits.retry, attempts, clock.random);
    const isLong = handlers.limitOf(message) > limits.effectMs;
    if (error instanceof EffectTimeout && !isLong) hanging.timedOut(message.type, box.key);
    meter.retried(handlers.labelOf(message.type));
    if (task.kind !== 'detached') {
      task.refused = undefined;
      if (what === 'message') task.attempts = attempts;
    }
    const failure: Failure = {
      what,
      kind: kindOf(error),
      attempts,
      maxAttempts: effect?.retry?.attempts ?? limits.attempts,
      since: one.since,
      waitMs,
      isWidespread: !isLong && hanging.isWidespread(message.type),
      isCrowded: what === 'message' && crowds(box),
      fits: what !== 'message' || keeping.thatFit(box) > 0,
    };
    const now = clock.now();
    const said = afterFailure(failure, limits, now);
    log[said.is === 'bury' || attempts > 2 ? 'warn' : 'info']('handler failed', {
      key: box.key,
      message: message.id,
      correlation: message.correlationId,
      attempt: attempts,
      reason,
    });
    const lastError = reason.slice(0, 500);
    switch (said.is) {
      case 'let go':
        return committer.finish(box, settlingOf(box, task));
      case 'bury':
        return bury(box, task, one, `${reason} (after ${attempts} tries)`);
      case 'stash':
        if (what === 'message') return keeping.stashLine(box, now + waitMs, { lastError });
        return keeping.restash(box, task, { attempts, nextTryAt: now + waitMs, lastError });
      case 'give back':
        parts.giveBack(`${message.type} hangs for every key: ${reason}`);
        return waitInPlace(box, waitMs);
      case 'retry':
        return waitInPlace(box, waitMs);
    }
  }

  function waitInPlace(box: Mailbox<State>, waitMs: number): void {
    waiting.add(box);
    hold(box, waitMs, clock, pump);
  }

  /** With this one, the waiting keys of its channel have more than half of what that may have in hand. */
  function crowds(box: Mailbox<State>): boolean {
    let held = box.tasks.length;
    for (const other of waiting) {
      if (other.head.is !== 'waiting') waiting.delete(other);
      else if (other.channel === box.channel) held += other.tasks.length;
    }
    return held > limits.prefetch / 2;
  }

  /** To the dead letters, confirmed; then it is done with. */
  function bury(box: Mailbox<State>, task: Task, { what, message, attempts }: Run, reason: string): void {
    meter.died(handlers.labelOf(message.type));
    const packet = task.kind === 'message' ? task.receipt.delivery.packet : encode(message);
    later(box, pump, async (isWanted) => {
      await outbox.bury(packet, reason, attempts, isWanted);
      return () => {
        if (what !== 'stashed') committer.finish(box, settlingOf(box, task));
        else committer.changeHeld(box, task, unstashed(withLists(current(box), {}), [], clock.now()));
      };
    });
  }

  return { failed, bury };
}

export type KeyTrouble<State> = ReturnType<typeof createTrouble<State>>;

function kindOf(error: unknown): Failure['kind'] {
  if (error instanceof InvalidMessage) return 'hopeless';
  if (error instanceof UnknownType) return 'unknown type';
  if (error instanceof DocumentRefused) return 'refused';
  return error instanceof EffectTimeout ? 'timed out' : 'failed';
}
