import type { HangWatch } from './standstill.ts';
import { current, type DetachedTask, type Mailbox, type MessageTask, type Run, type Step } from './mailbox.ts';
import type { Owing } from './owing.ts';
import { EffectTimeout, UnknownType } from './run.ts';
import type { Stashing } from './stashing.ts';
import type { StepParts, Steps } from './steps.ts';
import { afterFailure, successorsThatFit, type Circumstances, type Failure } from './verdict.ts';
import { backoffMs } from '#shared/backoff.ts';
import { InvalidMessage, reasonOf } from '#shared/errors.ts';

export interface FailingParts<State> extends StepParts<State> {
  readonly hanging: HangWatch;
  /** Gives everything back to the broker. */
  readonly giveBack: (reason: string) => void;
}

/** What becomes of a run that failed, or of a document that cannot be written: trouble stays with its key. */
export function createFailing<State>(
  parts: FailingParts<State>,
  steps: Steps<State>,
  stashing: Stashing<State>,
  owing: Owing<State>,
) {
  const { clock, limits, log, meter, inbox, hanging } = parts;
  /** Keys that wait in place for their next try. */
  const waiting = new Set<Mailbox<State>>();

  function failed(
    box: Mailbox<State>,
    task: MessageTask | DetachedTask,
    tried: Run,
    circumstances: Circumstances,
    error: unknown,
  ): Step {
    const one = { ...tried, attempts: tried.attempts + 1 };
    const { message, attempts, what } = one;
    const effect = inbox.handlerOf(message)?.effect;
    const reason = reasonOf(error);
    const { now } = circumstances;
    const waitMs = backoffMs(effect?.retry ?? limits.retry, attempts, clock.random);
    const isLong = (effect?.limitMs ?? 0) > limits.effectMs;
    if (error instanceof EffectTimeout && !isLong) hanging.timedOut(message.type, box.key);
    meter.retried(inbox.labelOf(message.type));
    if (task.kind !== 'detached') task.refused = undefined;
    if (what === 'message' && task.kind !== 'detached') task.attempts = attempts;
    const failure: Failure = {
      what,
      kind: kindOf(error),
      attempts,
      maxAttempts: effect?.retry?.attempts ?? limits.attempts,
      since: one.since,
      waitMs,
      isWidespread: !isLong && hanging.isWidespread(message.type),
      isCrowded: what === 'message' && crowds(box),
      fits: what !== 'message' || successorsThatFit(current(box), [task as MessageTask], limits, circumstances) > 0,
    };
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
        return steps.finish(box, steps.settlingOf(box, task));
      case 'bury':
        return owing.bury(box, task, one, `${reason} (after ${attempts} tries)`);
      case 'stash':
        if (what === 'message') return stashing.stashLine(box, circumstances, now + waitMs, { lastError });
        return stashing.restash(box, task, { attempts, nextTryAt: now + waitMs, lastError });
      case 'give back':
        parts.giveBack(`${message.type} hangs for every key: ${reason}`);
        waiting.add(box);
        return steps.tryAgain(box, waitMs);
      case 'retry':
        waiting.add(box);
        return steps.tryAgain(box, waitMs);
    }
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

  return { failed };
}

export type Failing<State> = ReturnType<typeof createFailing<State>>;

/** The database will not take the document that a message led to. */
export class DocumentRefused extends Error {
  override readonly name = 'DocumentRefused';
}

function kindOf(error: unknown): Failure['kind'] {
  if (error instanceof InvalidMessage) return 'hopeless';
  if (error instanceof UnknownType) return 'unknown type';
  if (error instanceof DocumentRefused) return 'refused';
  return error instanceof EffectTimeout ? 'timed out' : 'failed';
}
