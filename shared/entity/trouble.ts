import { unstashed, withLists } from './document.ts';
import { EffectTimeout, UnknownType } from './handlers.ts';
import type { Keeping, Parts } from './keeping.ts';
import {
  current,
  hold,
  later,
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
  const { clock, limits, log, meter, handlers, outbox, committer, pump } = parts;
  const hanging = watchForHanging({
    now: clock.now,
    effectMs: limits.effectMs,
    keysUntilWidespread: limits.hangingKeys,
    rememberMs: 4 * limits.stashAfterMs,
  });
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

  return { failed, bury, succeeded: hanging.succeeded };
}

export type KeyTrouble<State> = ReturnType<typeof createTrouble<State>>;

function kindOf(error: unknown): Failure['kind'] {
  if (error instanceof InvalidMessage) return 'hopeless';
  if (error instanceof UnknownType) return 'unknown type';
  if (error instanceof DocumentRefused) return 'refused';
  return error instanceof EffectTimeout ? 'timed out' : 'failed';
}

interface HangWatch {
  /** An effect of this type took longer than its limit, for this key. */
  timedOut(type: string, key: string): void;
  succeeded(type: string): void;
  /** Several keys hang in this type of late, and none has succeeded for as long as an effect may take: it is not the keys. */
  isWidespread(type: string): boolean;
}

/**
 * Tells an effect that hangs for everybody from a key in trouble. One key's messages belong into its stash; those of
 * everybody belong back on the queue, where they expire and the circuit breaker sees them. See
 * `docs/adr/0006-a-hanging-effect-is-given-back.md`.
 */
function watchForHanging(options: {
  readonly now: () => number;
  readonly effectMs: number;
  readonly keysUntilWidespread: number;
  /** How long a time-out counts; longer than a key that hangs waits for its next try. */
  readonly rememberMs: number;
}): HangWatch {
  const { now, effectMs, keysUntilWidespread, rememberMs } = options;
  /** By type and key: when it timed out last, epoch ms. */
  const hanging = new Map<string, Map<string, number>>();
  const succeededAt = new Map<string, number>();
  return {
    timedOut(type, key) {
      const keys = hanging.get(type) ?? new Map<string, number>();
      hanging.set(type, keys);
      keys.delete(key); // the oldest stay in front
      keys.set(key, now());
      for (const [old, at] of keys) {
        if (now() - at <= rememberMs) break;
        keys.delete(old);
      }
    },
    succeeded(type) {
      hanging.delete(type);
      succeededAt.set(type, now());
    },
    isWidespread: (type) =>
      (hanging.get(type)?.size ?? 0) >= keysUntilWidespread && now() - (succeededAt.get(type) ?? 0) >= effectMs,
  };
}
