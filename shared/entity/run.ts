import { runOf } from './context.ts';
import type { Context, Entity, Handler, Result } from './entity.ts';
import type { Outcome } from './mailbox.ts';
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

/** An effect took longer than its limit; what it did is not known. */
export class EffectTimeout extends Error {
  override readonly name = 'EffectTimeout';
}

export interface RunnerOptions<State> {
  readonly entity: Entity<State>;
  readonly clock: Clock;
  readonly effectMs: number;
  readonly handlerOf: (message: Message) => Handler<State> | undefined;
  readonly intercept?: Intercept | undefined;
}

/** Runs one message against a state. Pure handlers come back at once, others as a promise that never outlives the effect's limit. */
export function createRunner<State>(options: RunnerOptions<State>) {
  const { entity, clock, effectMs, handlerOf, intercept } = options;

  return function run(
    { state, journal }: Pick<Document<State>, 'state' | 'journal'>,
    message: Message,
    attempt: number,
  ): Outcome<State> | Promise<Outcome<State>> {
    let abort: AbortController | undefined;
    const { context, answered } = runOf({
      route: entity.route,
      message,
      now: clock.now(),
      attempt,
      unwritten: journal,
      signal: () => (abort ??= new AbortController()).signal,
    });
    const done = (result: Result<State>): Outcome<State> => {
      for (const send of result.send ?? []) if (send !== undefined) requireSendable(send);
      return { ok: true, result, answer: answered() };
    };
    try {
      const handler = handlerOf(message);
      const call = () => callOf(handler, state, message, context);
      const result = intercept === undefined ? call() : intercept(handler, state, context, call);
      if (!(result instanceof Promise)) return done(result);
      return limited(result, () => abort)
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
    throw new InvalidMessage(`${entity.route} has no handler for ${message.type}`);
  }

  async function limited(
    result: Promise<Result<State>>,
    abort: () => AbortController | undefined,
  ): Promise<Result<State>> {
    const { promise: timeout, reject } = Promise.withResolvers<never>();
    const cancel = clock.after(effectMs, () => {
      const error = new EffectTimeout(`no result within ${effectMs} ms`);
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
