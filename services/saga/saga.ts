import { advance, begin, cancellable, type Input } from './advance.ts';
import { SAGA_ROUTE, cancel, cancelRefused, cancelling } from './contract.ts';
import { askedSteps, type Definition, type Order } from './definition.ts';
import type { Advanced, Timing } from './pace.ts';
import { outstandingIds, type Answer, type OpenState, type Parked, type SagaState } from './state.ts';
import { listingOf } from '#services/notify/contract.ts';
import { placeRefused, placed, type OrderDetails } from '#services/order/contract.ts';
import { audienceOf } from './routes.ts';
import { on, type Context, type Entity, type Result } from '#shared/entity/entity.ts';
import type { Log } from '#shared/log.ts';
import { TOO_LATE, type EventType, type Send } from '#shared/message.ts';

export interface SagaOptions extends Timing {
  readonly log: Log;
}

type CancelRefusal = 'unknown_order' | 'too_late' | 'already_ended' | 'parked';
const PARKED_CHECK_MS = 60_000;

/**
 * The saga of an order: key = order id. New orders start under the first definition; the others stay runnable for the
 * sagas that started under them.
 */
export function sagaEntity(definitions: readonly Definition[], { log, ...timing }: SagaOptions): Entity<SagaState> {
  const newest = definitions[0];
  if (newest === undefined) throw new TypeError('no saga is defined');
  const known = new Map(definitions.map((definition) => [labelOf(definition), definition]));
  if (known.size < definitions.length) throw new TypeError('two definitions have the same name and version');

  /** Applies an input to an open saga, or parks it, loudly, if its definition does not exist in this process. */
  function apply(state: OpenState, input: Input, context: Context): Result<SagaState> {
    const definition = known.get(labelOf(state.definition));
    if (definition === undefined) return { state: park(state, input, context) };
    const advanced = advance(definition, state, input, { now: context.now, timing });
    if (state.phase === 'running' && advanced.state.phase === 'undoing')
      log.info('order is being undone', { orderId: context.message.key, ...advanced.state.failure });
    return { state: advanced.state, send: sendsOf(advanced, context) };
  }

  function park(was: OpenState, input: Input, context: Context): Parked {
    const reason = `no definition ${labelOf(was.definition)} in this process`;
    log.error('saga parked', { orderId: context.message.key, reason });
    const dueAt = context.now + PARKED_CHECK_MS;
    return { phase: 'parked', reason, since: context.now, dueAt, was, answers: answersFor(was, [], input) };
  }

  /** Goes on with a parked saga where it was, if it can by now. */
  function unpark(state: Parked, input: Input, context: Context): Result<SagaState> {
    const answers = answersFor(state.was, state.answers ?? (state.answer === undefined ? [] : [state.answer]), input);
    if (!known.has(labelOf(state.was.definition))) {
      log.error('saga is still parked', { orderId: context.message.key, reason: state.reason });
      const dueAt = input.kind === 'wake' ? context.now + PARKED_CHECK_MS : state.dueAt;
      return { state: { ...state, dueAt, answers } };
    }
    log.info('parked saga goes on', { orderId: context.message.key });
    const [first, ...later] = answers.map((answer): Input => ({ kind: 'answer', answer }));
    let result = apply(state.was, first ?? { kind: 'wake' }, context);
    for (const next of later) {
      const { state: after, send = [] } = receive(result.state, next, context);
      result = { state: after, send: [...(result.send ?? []), ...send] };
    }
    return result;
  }

  function receive(state: SagaState | undefined, input: Input, context: Context): Result<SagaState> {
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

  function start(state: SagaState | undefined, details: OrderDetails, context: Context): Result<SagaState> {
    if (state !== undefined && state.phase !== 'unknown') return { state };
    const { items, ...order } = details;
    const advanced = begin(
      newest!,
      { ...order, parcel: parcelOf(items), listing: listingOf(items) },
      { now: context.now, timing },
    );
    return { state: advanced.state, send: sendsOf(advanced, context) };
  }

  function stop(state: SagaState | undefined, orderId: string, context: Context): Result<SagaState> {
    const refuse = (reason: CancelRefusal): Result<SagaState> => ({
      state: state ?? { phase: 'unknown' },
      send: [context.answer(cancelRefused, { orderId, reason })],
    });
    switch (state?.phase) {
      case undefined:
      case 'unknown':
        return refuse('unknown_order');
      case 'ended':
        return refuse('already_ended');
      case 'parked':
        return refuse('parked');
      case 'undoing':
      case 'closing':
        return state.outcome === 'cancelled'
          ? { state, send: [context.answer(cancelling, { orderId })] }
          : refuse('too_late');
      case 'running': {
        const definition = known.get(labelOf(state.definition));
        if (definition !== undefined && !cancellable(definition, state)) return refuse('too_late');
        const result = apply(state, { kind: 'cancel' }, context);
        if (result.state.phase === 'parked') return { ...refuse('parked'), state: result.state };
        return { ...result, send: [context.answer(cancelling, { orderId }), ...(result.send ?? [])] };
      }
    }
  }

  return {
    route: SAGA_ROUTE,
    handlers: [
      on(placed, start),
      on(placeRefused, (state) => ({ state: state ?? { phase: 'unknown' } })),
      on(cancel, (state, { orderId }, context) => stop(state, orderId, context)),
      ...answersOf(definitions).map((type) =>
        on<SagaState, unknown>(type, (state, body, context) =>
          receive(state, answerIn(context, type.name, body), context),
        ),
      ),
    ],
    tooLate: (state, body, context) => receive(state, answerIn(context, TOO_LATE, body), context),
    dueAt: (state) => ('dueAt' in state ? state.dueAt : undefined),
    wake: (state, _body, context) => receive(state, { kind: 'wake' }, context),
  };
}

/** Each sku once, so that what the saga carries along does not grow with every line of the order. */
function parcelOf(items: OrderDetails['items']): Order['parcel'] {
  const quantities = new Map<string, number>();
  for (const { sku, quantity } of items) quantities.set(sku, (quantities.get(sku) ?? 0) + quantity);
  return [...quantities].map(([sku, quantity]) => ({ sku, quantity }));
}

function labelOf({ name, version }: { readonly name: string; readonly version: number }): string {
  return `${name}@${version}`;
}

function answerIn({ message }: Context, type: string, body: unknown): Input {
  return { kind: 'answer', answer: { to: message.causationId ?? '', type, body } };
}

/** Every event that can answer a command of these definitions, each once. */
function answersOf(definitions: readonly Definition[]): readonly EventType[] {
  const commands = definitions.flatMap((definition) => [
    definition.start.undo.command,
    definition.closing.command,
    ...askedSteps(definition).flatMap(({ command, undo }) =>
      undo.kind === 'own' ? [command, undo.command] : [command],
    ),
  ]);
  const events = commands.flatMap(({ done, refused }) => [done, refused]).filter((event) => event !== undefined);
  return [...new Map(events.map((event) => [event.name, event])).values()];
}

/** The answers that an open saga waits for, each once, with the one that came now. */
function answersFor(was: OpenState, kept: readonly Answer[], input: Input): readonly Answer[] {
  if (input.kind !== 'answer' || !outstandingIds(was).includes(input.answer.to)) return kept;
  return kept.some(({ to }) => to === input.answer.to) ? kept : [...kept, input.answer];
}

function sendsOf({ send = [] }: Advanced, context: Context): readonly Send[] {
  return send.map(({ command, body, heardBy, ...options }) =>
    context.command(command, body, heardBy === undefined ? options : { ...options, replyRoute: audienceOf(heardBy) }),
  );
}
