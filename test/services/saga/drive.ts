import { answerBody, details } from './cases.ts';
import { placed, type OrderDetails } from '#services/order/contract.ts';
import { cancel } from '#services/saga/contract.ts';
import { askedSteps } from '#shared/saga/definition.ts';
import { placeOrder } from '#services/saga/place-order-versions.ts';
import type { SagaTiming } from '#shared/saga/transition.ts';
import { sagaEntity, type OrderDefinition, type OrderSaga } from '#services/saga/saga.ts';
import { outstandingIds } from '#shared/saga/state.ts';
import { timelineOf } from '#shared/saga/timeline.ts';
import type { UnsentCommand } from '#shared/saga/timeline-waiting.ts';
import type { SagaTimeline as Timeline } from '#shared/saga/timeline-shape.ts';
import { runOf } from '#shared/entity/entity.ts';
import { silentLog, type Log } from '#shared/log.ts';
import { TOO_LATE, WAKE, type CommandType, type Message } from '#shared/message.ts';

export const timing: SagaTiming = {
  stepDeadlineMs: 60_000,
  sagaDeadlineMs: 600_000,
  resend: { baseMs: 5000, capMs: 60_000 },
};

export interface DriveOptions {
  readonly definitions?: readonly OrderDefinition[];
  readonly timing?: SagaTiming;
  readonly log?: Log;
  readonly order?: OrderDetails;
  readonly isRunByAll?: (definition: string) => boolean;
}

export type Reply = 'done' | 'refused' | 'too-late';

/** A saga on its own: its entity, a clock that a test moves, and participants that answer what a test says. */
export function driveSaga(options: DriveOptions = {}) {
  let definitions = options.definitions ?? [placeOrder];
  /** Participants know the commands of every version that there was. */
  let everDefined = definitions;
  const pace = options.timing ?? timing;
  const log = options.log ?? silentLog;
  const { isRunByAll = () => true } = options;
  const { orderId } = details;
  const sent: Message<Record<string, unknown>>[] = [];
  let entity = sagaEntity(definitions, { ...pace, log, isRunByAll });
  let state: OrderSaga | undefined;
  let now = 1_700_000_000_000;

  async function receive(message: Message): Promise<Message[]> {
    const signal = new AbortController().signal;
    const { context } = runOf({ route: entity.route, message, now, attempt: 1, unwritten: [], signal: () => signal });
    const handler = entity.handlers.find((one) => one.type.name === message.type);
    // A process of an older version keeps what it does not know, and another one takes it later.
    if (handler === undefined && message.type !== WAKE && message.type !== TOO_LATE) return [];
    const result =
      message.type === WAKE
        ? await entity.wake!(state, undefined, context)
        : message.type === TOO_LATE
          ? await entity.tooLate!(state, message.body as { command: string }, context)
          : await handler!.handle(state, message.body, context);
    state = JSON.parse(JSON.stringify(result.state)) as OrderSaga;
    const messages = (result.send ?? []).flatMap((send) => (send === undefined ? [] : [send.message]));
    for (const one of messages) if (!one.id.includes('>')) sent.push(one as (typeof sent)[number]);
    return messages;
  }

  function commandOf(message: Message): CommandType {
    const commands = everDefined.flatMap((definition) => [
      definition.start.undo!.command,
      definition.finalNotice!.command,
      ...askedSteps(definition).flatMap(({ command, undo }) =>
        undo.kind === 'own' ? [command, undo.command] : [command],
      ),
    ]);
    return commands.find(({ name }) => name === message.type)!;
  }

  /** The commands that are outstanding, oldest first. */
  function outstanding(): Message<Record<string, unknown>>[] {
    const open = state?.phase === 'parked' ? state.was : state;
    if (open === undefined || open.phase === 'unknown' || open.phase === 'ended') return [];
    return outstandingIds(orderId, open).map((id) => sent.findLast((message) => message.id === id)!);
  }

  const awaited = (): Message<Record<string, unknown>> => outstanding()[0] ?? sent.at(-1)!;

  const drive = {
    orderId,
    /** Every command that the saga sent, resends included. */
    sent,
    get state() {
      return state;
    },
    get now() {
      return now;
    },
    outstanding,
    /** The outstanding command, the oldest if there are several; of a saga that has ended the last one. */
    get last(): Message<Record<string, unknown>> {
      return awaited();
    },
    undos(): Message<Record<string, unknown>>[] {
      return sent.filter(
        (message, index) => message.id.endsWith(':undo') && sent.findIndex(({ id }) => id === message.id) === index,
      );
    },
    timeline(unsent: readonly UnsentCommand[] = []): Timeline {
      if (state === undefined || state.phase === 'unknown') throw new Error('no saga has begun');
      const { name, version } = (state.phase === 'parked' ? state.was : state).definition;
      return timelineOf(
        orderId,
        state,
        definitions.find((one) => one.name === name && one.version === version),
        unsent,
      );
    },
    place(change: Partial<OrderDetails> = {}) {
      const body = { ...(options.order ?? details), ...change };
      return receive({
        id: `${orderId}:place>${placed.name}`,
        type: placed.name,
        key: orderId,
        body,
        correlationId: orderId,
        causationId: `${orderId}:place`,
      });
    },
    /** A participant answers a command, by default the oldest; again and late are as good as any time. */
    answer(reply: Reply = 'done', to: Message = awaited(), change: object = {}): Promise<Message[]> {
      const command = commandOf(to);
      const type = reply === 'done' ? command.done! : command.refused!;
      const answer =
        reply === 'too-late'
          ? { type: TOO_LATE, body: { command: to.type } }
          : { type: type.name, body: { ...answerBody(type, to.body as object), ...change } };
      return receive({
        ...answer,
        id: `${to.id}>${answer.type}`,
        key: orderId,
        correlationId: orderId,
        causationId: to.id,
      });
    },
    cancel(id = 'cancel-1') {
      const message = { id, type: cancel.name, key: orderId, body: { orderId }, correlationId: orderId };
      return receive({ ...message, replyTo: { route: 'gateway', key: orderId } });
    },
    /** Time passes; whatever is due then is woken, once. */
    async pass(ms: number) {
      now += ms;
      const dueAt = state === undefined ? undefined : entity.dueAt!(state);
      if (dueAt !== undefined && dueAt <= now) await drive.wake();
    },
    wake() {
      return receive({ id: `${WAKE}:${now}`, type: WAKE, key: orderId, body: {}, correlationId: orderId });
    },
    /** Time passes until the saga waits no longer for what it waits for. */
    async passDue() {
      await drive.pass(Math.max(0, entity.dueAt!(state!)! - now));
    },
    /** Everybody answers `done` until nothing but the named step is outstanding. */
    async goTo(step: string) {
      await drive.place();
      const id = `${orderId}:${step}:do`;
      for (;;) {
        const other = outstanding().find((message) => message.id !== id);
        if (other === undefined) break;
        await drive.answer('done', other);
      }
      if (drive.last.id !== id) throw new Error(`${step} is not outstanding`);
    },
    /** Everybody answers `done` until the saga has ended. */
    async goOn() {
      while (state?.phase !== 'ended') await drive.answer();
    },
    /** The same, but the named step is refused. */
    async goOnWithout(step: string) {
      while (state?.phase !== 'ended')
        await drive.answer(drive.last.id === `${orderId}:${step}:do` ? 'refused' : 'done');
    },
    /** The saga is older than this field of its order. */
    strip(field: string) {
      const { [field]: _gone, ...data } = (state as unknown as { data: Record<string, unknown> }).data;
      state = { ...state, data } as unknown as OrderSaga;
    },
    /** Another process goes on, with other definitions. */
    restart(others: readonly OrderDefinition[]) {
      definitions = others;
      everDefined = [...everDefined, ...others];
      entity = sagaEntity(definitions, { ...pace, log });
    },
  };
  return drive;
}

export type Drive = ReturnType<typeof driveSaga>;
