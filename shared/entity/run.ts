import { runOf, type Answer } from './context.ts';
import type { Context, Entity, Handler, Result } from './entity.ts';
import type { Inbox } from './inbox.ts';
import type { Limits } from './limits.ts';
import type { Document } from './store.ts';
import { requireSendable } from '#shared/bus/envelope.ts';
import type { Clock } from '#shared/clock.ts';
import { InvalidMessage } from '#shared/errors.ts';
import { TOO_LATE, WAKE, type Message } from '#shared/message.ts';

/** Stands between the engine and a handler; for fault injection. May answer in the handler's place, fail, or wait. */
export type Intercept = <State>(
  handler: Handler<State> | undefined,
  state: State | undefined,
  context: Context,
  run: () => Result<State> | Promise<Result<State>>,
) => Result<State> | Promise<Result<State>>;

export type Outcome<State> =
  | { readonly ok: true; readonly result: Result<State>; readonly answer: Answer | undefined }
  | { readonly ok: false; readonly error: unknown };

/** An effect took longer than its limit; what it did is not known. */
export class EffectTimeout extends Error {
  override readonly name = 'EffectTimeout';
}

/** No handler knows the type; a newer version of this service may. */
export class UnknownType extends Error {
  override readonly name = 'UnknownType';
}

export interface RunnerOptions<State> {
  readonly entity: Entity<State>;
  readonly clock: Clock;
  readonly limits: Pick<Limits, 'effectMs'>;
  readonly inbox: Pick<Inbox<State>, 'handlerOf' | 'readBody'>;
  readonly intercept?: Intercept | undefined;
}

/** How long a run of this handler may take, ms; longer than `effectMs` if it goes on without its delivery. */
export function limitOf<State>(handler: Handler<State> | undefined, { effectMs }: Pick<Limits, 'effectMs'>): number {
  return Math.max(effectMs, handler?.effect?.limitMs ?? 0);
}

/** Runs one message against a state. Pure handlers come back at once, others as a promise that never outlives the effect's limit. */
export function createRunner<State>(options: RunnerOptions<State>) {
  const { entity, clock, limits, inbox, intercept } = options;

  return function run(
    { state, journal }: Pick<Document<State>, 'state' | 'journal'>,
    message: Message,
    attempt: number,
    unread = false,
  ): Outcome<State> | Promise<Outcome<State>> {
    let abort: AbortController | undefined;
    try {
      const handler = inbox.handlerOf(message);
      const read = unread && handler !== undefined ? inbox.readBody(message) : message;
      const { context, answered } = runOf({
        route: entity.route,
        message: read,
        now: clock.now(),
        attempt,
        unwritten: journal,
        signal: () => (abort ??= new AbortController()).signal,
      });
      const done = (result: Result<State>): Outcome<State> => {
        for (const send of result.send ?? []) if (send !== undefined) requireSendable(send);
        return { ok: true, result, answer: answered() };
      };
      const call = () => callOf(handler, state, read, context);
      const result = intercept === undefined ? call() : intercept(handler, state, context, call);
      if (!(result instanceof Promise)) return done(result);
      return limited(result, limitOf(handler, limits), () => abort)
        .then(done)
        .catch(failed);
    } catch (error) {
      return failed(error);
    }
  };

  function callOf(handler: Handler<State> | undefined, state: State | undefined, message: Message, context: Context) {
    if (handler !== undefined) return handler.handle(state, message.body, context);
    if (message.type === WAKE && entity.wake !== undefined) return entity.wake(state, undefined, context);
    if (message.type === TOO_LATE && entity.tooLate !== undefined) {
      return entity.tooLate(state, message.body as { command: string }, context);
    }
    const problem = `${entity.route} has no handler for ${message.type}`;
    throw message.type === WAKE || message.type === TOO_LATE ? new InvalidMessage(problem) : new UnknownType(problem);
  }

  async function limited(
    result: Promise<Result<State>>,
    limitMs: number,
    abort: () => AbortController | undefined,
  ): Promise<Result<State>> {
    const { promise: timeout, reject } = Promise.withResolvers<never>();
    const cancel = clock.after(limitMs, () => {
      const error = new EffectTimeout(`no result within ${limitMs} ms`);
      abort()?.abort(error);
      reject(error);
    });
    try {
      return await Promise.race([result, timeout]);
    } finally {
      cancel();
    }
  }
}

function failed(error: unknown): { readonly ok: false; readonly error: unknown } {
  return { ok: false, error };
}

/** How many keys' handlers may be at work at once; the others wait their turn, first come, first served. */
export interface Slots<Box> {
  /** Whether another may begin; who may not is called when it may. */
  free(box: Box): boolean;
  /** Takes a slot. The function gives it back, once. */
  take(): () => void;
  /** When one was last given back, epoch ms. */
  readonly movedAt: number;
}

export function createSlots<Box>(limit: number, now: () => number, call: (box: Box) => void): Slots<Box> {
  let held = 0;
  let movedAt = now();
  const waiting = new Set<Box>();

  function give(): void {
    held -= 1;
    movedAt = now();
    for (const box of waiting) {
      if (held >= limit) break;
      waiting.delete(box);
      call(box);
    }
  }

  return {
    free(box) {
      if (held < limit) return true;
      waiting.add(box);
      return false;
    },
    take() {
      held += 1;
      let isHeld = true;
      return () => {
        if (!isHeld) return;
        isHeld = false;
        give();
      };
    },
    get movedAt() {
      return movedAt;
    },
  };
}
