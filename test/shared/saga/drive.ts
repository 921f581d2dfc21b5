import type { Trip, TripDefinition, TripLearned } from './trip.ts';
import { advance, begin, type SagaInput } from '#shared/saga/advance.ts';
import { outstandingIds, type OpenSaga, type SagaState } from '#shared/saga/state.ts';
import { timelineOf } from '#shared/saga/timeline.ts';
import type { Outgoing, SagaTiming, Transition } from '#shared/saga/transition.ts';
import { TOO_LATE, type CommandType } from '#shared/message.ts';

export const KEY = 'trip-1';
export const timing: SagaTiming = {
  stepDeadlineMs: 60_000,
  sagaDeadlineMs: 600_000,
  resend: { baseMs: 5000, capMs: 60_000 },
};

export type Reply = 'done' | 'refused' | 'too-late';

/** The pure functions alone, a clock that a test moves, and participants that answer what a test says. */
export function driveTrip(definition: TripDefinition, traveller = 'alice') {
  type State = SagaState<Trip, TripLearned>;
  let now = 1_700_000_000_000;
  let state: State;
  const sent: Outgoing[] = [];
  const at = () => ({ key: KEY, now, timing });

  function take({ state: next, send = [] }: Transition<Trip, TripLearned>): readonly Outgoing[] {
    state = JSON.parse(JSON.stringify(next)) as State;
    sent.push(...send);
    return send;
  }

  take(begin(definition, { trip: KEY, traveller }, at()));

  const open = (): OpenSaga<Trip, TripLearned> | undefined =>
    state.phase === 'ended' || state.phase === 'unknown' || state.phase === 'parked' ? undefined : state;

  const drive = {
    sent,
    get state(): State {
      return state;
    },
    get now(): number {
      return now;
    },
    ids: (): string[] => sent.map(({ id }) => id.slice(KEY.length + 1)),
    outstanding: (): readonly Outgoing[] => {
      const one = open();
      return one === undefined
        ? []
        : outstandingIds(KEY, one).flatMap((id) => sent.findLast((send) => send.id === id) ?? []);
    },
    input(input: SagaInput): readonly Outgoing[] {
      const one = open();
      return one === undefined ? [] : take(advance(definition, one, input, at()));
    },
    answer(reply: Reply = 'done', to = drive.outstanding()[0]!): readonly Outgoing[] {
      return drive.input({ kind: 'answer', answer: { to: to.id, ...replyTo(to.command, reply) } });
    },
    cancel: () => drive.input({ kind: 'cancel' }),
    pass(ms: number): readonly Outgoing[] {
      now += ms;
      return drive.input({ kind: 'wake' });
    },
    passDue(): readonly Outgoing[] {
      const one = open();
      return one === undefined ? [] : drive.pass(Math.max(0, one.dueAt - now));
    },
    /** Everybody answers `done`, and time passes, until the saga has ended. */
    goOn(): void {
      for (let turn = 0; open() !== undefined; turn += 1) {
        if (turn > 200) throw new Error('it never ends');
        if (drive.outstanding().length > 0) drive.answer();
        else drive.passDue();
      }
    },
    timeline: () => {
      if (state.phase === 'unknown') throw new Error('no saga has begun');
      return timelineOf(KEY, state, definition);
    },
  };
  return drive;
}

function replyTo(command: CommandType, reply: Reply): { readonly type: string; readonly body: unknown } {
  if (reply === 'too-late') return { type: TOO_LATE, body: { command: command.name } };
  const type = (reply === 'refused' ? command.refused : undefined) ?? command.done!;
  const body = { trip: KEY, traveller: 'alice', seat: '12A', reason: 'limit reached' };
  return { type: type.name, body: type.body.parse(body) };
}
