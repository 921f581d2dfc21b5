import test from 'ava';
import fc from 'fast-check';
import { answerBody, details, stepCases } from './cases.ts';
import { timing } from './drive.ts';
import { advance, begin } from '#services/saga/advance.ts';
import type { Outgoing } from '#services/saga/pace.ts';
import { placeOrder } from '#services/saga/place-order.ts';
import type { OpenState, SagaState } from '#services/saga/state.ts';
import { TOO_LATE } from '#shared/message.ts';

/** What happens next; `pick` chooses among everything that was sent so far, so that most answers are late or doubled. */
const event = fc.oneof(
  { weight: 8, arbitrary: fc.constant({ kind: 'done' } as const) },
  { weight: 1, arbitrary: fc.constant({ kind: 'refused' } as const) },
  { weight: 1, arbitrary: fc.constant({ kind: 'too-late' } as const) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('late' as const), pick: fc.nat(), refused: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 90_000 }) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'cancel' } as const) },
);
type Event = typeof event extends fc.Arbitrary<infer Value> ? Value : never;

interface Run {
  readonly states: readonly SagaState[];
  readonly sent: readonly Outgoing[];
}

const { items: _items, ...placed } = details;
const order = { ...placed, parcel: [{ sku: 'book', quantity: 2 }] };
const ID = /^(?<order>.+):(?<step>[a-z-]+):(?<way>do|undo)$/;

/** Applies the events, then lets everybody answer, until the saga has ended. */
function run(events: readonly Event[]): Run {
  let now = 1_000_000;
  const at = () => ({ now, timing });
  const begun = begin(placeOrder, order, at());
  let state = begun.state;
  const states = [state];
  const sent = [begun.send!];

  function input(happened: Event): Parameters<typeof advance>[2] {
    const last = sent.at(-1)!;
    const answer = (to: Outgoing, type: 'done' | 'refused') => {
      const event = to.command[type] ?? to.command.done!;
      return {
        kind: 'answer',
        answer: { to: to.id, type: event.name, body: answerBody(event, to.body as object) },
      } as const;
    };
    switch (happened.kind) {
      case 'done':
      case 'refused':
        return answer(last, happened.kind);
      case 'too-late':
        return { kind: 'answer', answer: { to: last.id, type: TOO_LATE, body: { command: last.command.name } } };
      case 'late':
        return answer(sent[happened.pick % sent.length]!, happened.refused ? 'refused' : 'done');
      case 'pass':
        now += happened.ms;
        return { kind: 'wake' };
      case 'cancel':
        return { kind: 'cancel' };
    }
  }

  function apply(happened: Event): void {
    const before = JSON.stringify(state);
    const advanced = advance(placeOrder, state as OpenState, input(happened), at());
    if (JSON.stringify(state) !== before) throw new Error('advance changed its argument');
    state = JSON.parse(JSON.stringify(advanced.state)) as SagaState;
    states.push(state);
    if (advanced.send !== undefined) sent.push(advanced.send);
  }

  for (const happened of events) if (state.phase !== 'ended') apply(happened);
  for (let turn = 0; state.phase !== 'ended'; turn += 1) {
    if (turn > 100) throw new Error('it never ends');
    apply({ kind: 'done' });
  }
  return { states, sent };
}

function distinct(sent: readonly Outgoing[]): Outgoing[] {
  return [...new Map(sent.map((one) => [one.id, one])).values()];
}

/** What an independent reading of the definition demands of a run that ended. */
function problemsOf({ states, sent }: Run): string[] {
  const problems: string[] = [];
  const claim = (holds: boolean, text: string): void => {
    if (!holds) problems.push(text);
  };
  const end = states.at(-1)!;
  if (end.phase !== 'ended') return ['not ended'];

  for (const one of sent) {
    const first = sent.find(({ id }) => id === one.id)!;
    claim(JSON.stringify(one.body) === JSON.stringify(first.body), `${one.id} was sent with two bodies`);
    claim(one.command === first.command, `${one.id} names two commands`);
    claim(ID.test(one.id) && one.id.startsWith(`${order.orderId}:`), `${one.id} is no id of this order`);
    claim(one.command.body.safeParse(one.body).success, `${one.id} has a wrong body`);
  }
  const ids = distinct(sent).map(({ id }) => id);
  const runs = sent.filter(({ id }, index) => id !== sent[index - 1]?.id);
  claim(runs.length === ids.length, 'a command was sent again after a later one: two were outstanding');

  const dos = distinct(sent).filter(({ id }) => id.endsWith(':do') && !id.includes(placeOrder.closing.name));
  const undos = distinct(sent).filter(({ id }) => id.endsWith(':undo'));
  const names = dos.map(({ id }) => ID.exec(id)!.groups!['step']!);
  claim(
    names.every((name, index) => name === placeOrder.steps[index]!.name),
    'steps were left out',
  );

  if (end.outcome === 'completed') {
    const withdrawn = undos.every(({ id }) => id.includes('record-dispatch'));
    claim(names.length === placeOrder.steps.length, 'completed without its last step');
    claim(withdrawn, 'completed after something was undone');
    return problems;
  }
  const last = end.steps.filter(({ name }) => name !== placeOrder.closing.name).at(-1)!;
  const stepCase = stepCases(placeOrder).find(({ name }) => name === last.name)!;
  const owed = last.end === 'refused' ? stepCase.afterRefusal(order.orderId) : stepCase.afterSilence(order.orderId);
  const seen = undos.map(({ id, command, body }) => ({
    step: ID.exec(id)!.groups!['step'],
    command: command.name,
    of: (body as { of?: string }).of ?? placeOrder.start.effectId(order.orderId),
  }));
  claim(JSON.stringify(seen) === JSON.stringify(owed), `undone ${JSON.stringify(seen)}, owed ${JSON.stringify(owed)}`);
  claim(sent.at(-1)!.command === placeOrder.closing.command, 'the customer was not told last');
  claim(sent.indexOf(undos[0]!) > sent.indexOf(dos.at(-1)!), 'something was undone before the last step was sent');
  return problems;
}

test('whatever happens: it ends, the undos mirror the effects, one command is outstanding, ids are deterministic', (t) => {
  const outcomes = new Map<string, number>();
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      const first = run(events);
      const end = first.states.at(-1)!;
      const outcome = end.phase === 'ended' ? end.outcome : 'none';
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      const problems = problemsOf(first);
      if (problems.length > 0) throw new Error(problems.join('\n'));
      if (JSON.stringify(run(events)) !== JSON.stringify(first)) throw new Error('two runs of the same events differ');
    }),
    { numRuns: 2000, includeErrorInReport: true },
  );
  t.log(Object.fromEntries(outcomes));
  t.is(outcomes.size, 3, 'completed, failed and cancelled were all seen');
});
