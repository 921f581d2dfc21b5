import { advance, begin, cancellable, type SagaInput } from './advance.ts';
import { askedSteps, labelOf, type Definition } from './definition.ts';
import { outstandingIds, type OpenSaga, type ParkedSaga, type SagaAnswer, type SagaState } from './state.ts';
import type { SagaTiming, Transition } from './transition.ts';
import { on, type Context, type Handler, type Result } from '#shared/entity/entity.ts';
import type { Log } from '#shared/log.ts';
import { TOO_LATE, type EventType } from '#shared/message.ts';

export interface SagaMachineOptions extends SagaTiming {
  readonly log: Log;
  /** Whether every copy of the service can go on with sagas of this definition, by its label. Absent: all can run all. */
  readonly isRunByAll?: ((definition: string) => boolean) | undefined;
  /** What logs call the key of a saga. */
  readonly keyName: string;
  /** Where the answer goes to a command whose answer that route hears beside the saga. */
  audienceOf(route: string): string;
}

/** Why a saga cannot be cancelled. */
export type CancelObstacle = 'unknown' | 'too_late' | 'already_ended' | 'parked';
export type Cancelling<Data, Learned extends object> =
  | { readonly isCancelled: true; readonly result: Result<SagaState<Data, Learned>> }
  | {
      readonly isCancelled: false;
      readonly obstacle: CancelObstacle;
      readonly state: SagaState<Data, Learned>;
    };

const PARKED_CHECK_MS = 60_000;

/**
 * Runs sagas of these definitions inside an entity: key = the saga's. New ones start under the first definition that every copy of the
 * service can run; the others stay runnable for the sagas that started under them. A saga of a definition that this process has not is
 * parked, loudly.
 */
export function sagaMachine<Data, Learned extends object>(
  definitions: readonly Definition<Data, Learned>[],
  { log, keyName, audienceOf, isRunByAll = () => true, ...timing }: SagaMachineOptions,
) {
  type State = SagaState<Data, Learned>;
  type Open = OpenSaga<Data, Learned>;
  const newest = definitions[0];
  if (newest === undefined) throw new TypeError('no saga is defined');
  const known = new Map(definitions.map((definition) => [labelOf(definition), definition]));
  if (known.size < definitions.length) throw new TypeError('two definitions have the same name and version');

  function momentOf({ message, now }: Context) {
    return { key: message.key, now, timing };
  }

  function resultOf({ state, send = [] }: Transition<Data, Learned>, context: Context): Result<State> {
    return {
      state,
      send: send.map(({ command, body, heardBy, ...options }) =>
        context.command(
          command,
          body,
          heardBy === undefined ? options : { ...options, replyRoute: audienceOf(heardBy) },
        ),
      ),
    };
  }

  /** Applies an input to an open saga, or parks it if its definition does not exist in this process. */
  function apply(state: Open, input: SagaInput, context: Context): Result<State> {
    const definition = known.get(labelOf(state.definition));
    if (definition === undefined) return { state: park(state, input, context) };
    const next = advance(definition, state, input, momentOf(context));
    if (state.phase === 'running' && next.state.phase === 'undoing')
      log.info('saga is being undone', { [keyName]: context.message.key, ...next.state.failure });
    return resultOf(next, context);
  }

  function park(was: Open, input: SagaInput, context: Context): ParkedSaga<Data, Learned> {
    const reason = `no definition ${labelOf(was.definition)} in this process`;
    const { key } = context.message;
    log.error('saga parked', { [keyName]: key, reason });
    const dueAt = context.now + PARKED_CHECK_MS;
    return { phase: 'parked', reason, since: context.now, dueAt, was, answers: answersFor(key, was, [], input) };
  }

  /** Goes on with a parked saga where it was, if it can by now. */
  function unpark(state: ParkedSaga<Data, Learned>, input: SagaInput, context: Context): Result<State> {
    const { key } = context.message;
    const kept = state.answers ?? (state.answer === undefined ? [] : [state.answer]);
    const answers = answersFor(key, state.was, kept, input);
    if (!known.has(labelOf(state.was.definition))) {
      log.error('saga is still parked', { [keyName]: key, reason: state.reason });
      const dueAt = input.kind === 'wake' ? context.now + PARKED_CHECK_MS : state.dueAt;
      return { state: { ...state, dueAt, answers } };
    }
    log.info('parked saga goes on', { [keyName]: key });
    const [first, ...later] = answers.map((answer): SagaInput => ({ kind: 'answer', answer }));
    let result = apply(state.was, first ?? { kind: 'wake' }, context);
    for (const next of later) {
      const { state: after, send = [] } = receive(result.state, next, context);
      result = { state: after, send: [...(result.send ?? []), ...send] };
    }
    return result;
  }

  function receive(state: State | undefined, input: SagaInput, context: Context): Result<State> {
    switch (state?.phase) {
      case undefined:
        return { state: { phase: 'unknown' } };
      case 'unknown':
      case 'ended':
        return { state };
      case 'parked':
        return unpark(state, input, context);
      case 'running':
      case 'undoing':
      case 'closing':
        return apply(state, input, context);
    }
  }

  function cancelOpen(state: Open, context: Context): Cancelling<Data, Learned> {
    if (state.phase !== 'running' && state.outcome === 'cancelled') return { isCancelled: true, result: { state } };
    const definition = known.get(labelOf(state.definition));
    if (definition === undefined ? state.phase !== 'running' : !cancellable(definition, state))
      return { isCancelled: false, obstacle: 'too_late', state };
    const result = apply(state, { kind: 'cancel' }, context);
    if (result.state.phase === 'parked') return { isCancelled: false, obstacle: 'parked', state: result.state };
    return { isCancelled: true, result };
  }

  return {
    /** Starts a saga under the newest definition that all copies can run; a second start changes nothing. */
    start(state: State | undefined, dataOf: () => Data, context: Context): Result<State> {
      if (state !== undefined && state.phase !== 'unknown') return { state };
      const definition = definitions.find((one) => isRunByAll(labelOf(one))) ?? newest;
      return resultOf(begin(definition, dataOf(), momentOf(context)), context);
    },

    cancel(state: State | undefined, context: Context): Cancelling<Data, Learned> {
      switch (state?.phase) {
        case undefined:
        case 'unknown':
          return { isCancelled: false, obstacle: 'unknown', state: { phase: 'unknown' } };
        case 'ended':
          return { isCancelled: false, obstacle: 'already_ended', state };
        case 'parked':
          return { isCancelled: false, obstacle: 'parked', state };
        case 'running':
        case 'undoing':
        case 'closing':
          return cancelOpen(state, context);
      }
    },

    /** What the entity of these sagas does with answers, late ones included, and when it is due. `readable` turns what is stored into today's form. */
    entityOf(readable: (state: State | undefined) => State | undefined = (state) => state) {
      return {
        runs: [...known.keys()],
        handlers: answersOf(definitions).map((type): Handler<State> =>
          on<State, unknown>(type, (state, body, context) =>
            receive(readable(state), answerIn(context, type.name, body), context),
          ),
        ),
        tooLate: (state: State | undefined, body: unknown, context: Context) =>
          receive(readable(state), answerIn(context, TOO_LATE, body), context),
        dueAt: (state: State) => ('dueAt' in state ? state.dueAt : undefined),
        wake: (state: State | undefined, _body: undefined, context: Context) =>
          receive(readable(state), { kind: 'wake' }, context),
      };
    },
  };
}

function answerIn({ message }: Context, type: string, body: unknown): SagaInput {
  return { kind: 'answer', answer: { to: message.causationId ?? '', type, body } };
}

/** Every event that can answer a command of these definitions, each once. */
function answersOf<Data, Learned extends object>(
  definitions: readonly Definition<Data, Learned>[],
): readonly EventType[] {
  const commands = definitions.flatMap((definition) => [
    definition.start.undo?.command,
    definition.finalNotice?.command,
    ...askedSteps(definition).flatMap(({ command, undo }) =>
      undo.kind === 'own' ? [command, undo.command] : [command],
    ),
  ]);
  const events = commands.flatMap((one) => [one?.done, one?.refused]).filter((event) => event !== undefined);
  return [...new Map(events.map((event) => [event.name, event])).values()];
}

/** The answers that an open saga waits for, each once, with the one that came now. */
function answersFor(key: string, was: OpenSaga, kept: readonly SagaAnswer[], input: SagaInput): readonly SagaAnswer[] {
  if (input.kind !== 'answer' || !outstandingIds(key, was).includes(input.answer.to)) return kept;
  return kept.some(({ to }) => to === input.answer.to) ? kept : [...kept, input.answer];
}
