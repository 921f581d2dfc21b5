import test from 'ava';
import fc from 'fast-check';
import { answerBody, details } from './cases.ts';
import { timing } from './drive.ts';
import { wide } from './wide.ts';
import { advance, begin } from '#shared/saga/advance.ts';
import { askedSteps, undoOf } from '#shared/saga/definition.ts';
import type { Outgoing } from '#shared/saga/transition.ts';
import { placeOrder3 } from '#services/saga/place-order-versions.ts';
import { outstandingIds } from '#shared/saga/state.ts';
import { orderDataOf, type OrderData, type OrderLearned } from '#services/saga/order-data.ts';
import type { OrderDefinition as Definition, OrderSaga as SagaState } from '#services/saga/saga.ts';
import type { OpenSaga } from '#shared/saga/state.ts';
import { effectIdOf } from '#shared/saga/undo.ts';
import { TOO_LATE } from '#shared/message.ts';

/** What happens next; `pick` chooses among what is outstanding, or (`late`) among everything that was sent so far. */
const pick = fc.nat();
const event = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('done' as const), pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('refused' as const), pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('too-late' as const), pick }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('late' as const), pick, refused: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 90_000 }) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'cancel' } as const) },
);
type Event = typeof event extends fc.Arbitrary<infer Value> ? Value : never;

/** What was done or given up, as somebody sees it who watches the messages only. */
type Seen = { readonly sent: Outgoing } | { readonly done: string };

interface Run {
  readonly states: readonly SagaState[];
  readonly sent: readonly Outgoing[];
  readonly seen: readonly Seen[];
}

const order = orderDataOf(details);
const ID = /^(?<order>.+):(?<step>[a-z-]+):(?<way>do|undo)$/;
const stepIn = (id: string): string => ID.exec(id)!.groups!['step']!;

/** Applies the events, then lets everybody answer, until the saga has ended. */
function run(definition: Definition, events: readonly Event[]): Run {
  let now = 1_000_000;
  const at = () => ({ key: order.orderId, now, timing });
  const begun = begin(definition, order, at());
  let state = begun.state;
  const states = [state];
  const sent = [...begun.send!];
  const seen: Seen[] = sent.map((one) => ({ sent: one }));

  function input(happened: Event): Parameters<typeof advance>[2] {
    const chosen = (n: number): Outgoing => {
      const ids = outstandingIds(order.orderId, state as OpenSaga);
      return sent.findLast(({ id }) => id === ids[n % ids.length])!;
    };
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
        return answer(chosen(happened.pick), happened.kind);
      case 'too-late': {
        const to = chosen(happened.pick);
        return { kind: 'answer', answer: { to: to.id, type: TOO_LATE, body: { command: to.command.name } } };
      }
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
    const what = input(happened);
    const wasRunning = state.phase === 'running';
    const advanced = advance(definition, state as OpenSaga<OrderData, OrderLearned>, what, at());
    if (JSON.stringify(state) !== before) throw new Error('advance changed its argument');
    state = JSON.parse(JSON.stringify(advanced.state)) as SagaState;
    states.push(state);
    const isTaken = JSON.stringify(state) !== before;
    if (isTaken && wasRunning && what.kind === 'answer') {
      const step = askedSteps(definition).find(({ name }) => name === stepIn(what.answer.to));
      if (step?.command.done?.name === what.answer.type) seen.push({ done: step.name });
    }
    for (const one of advanced.send ?? []) {
      sent.push(one);
      seen.push({ sent: one });
    }
  }

  for (const happened of events) if (state.phase !== 'ended') apply(happened);
  for (let turn = 0; state.phase !== 'ended'; turn += 1) {
    if (turn > 100) throw new Error('it never ends');
    apply({ kind: 'done', pick: turn });
  }
  return { states, sent, seen };
}

function distinct(sent: readonly Outgoing[]): Outgoing[] {
  return [...new Map(sent.map((one) => [one.id, one])).values()];
}

/** What an independent reading of the definition demands of a run that ended. */
function problemsOf(definition: Definition, { states, sent, seen }: Run): string[] {
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

  // Each step was sent when all that it waits for was done, and no sooner; nothing was sent forward once it turned back.
  const done: string[] = [definition.start.name];
  const open: string[] = [];
  const undos: Outgoing[] = [];
  for (const one of seen) {
    if ('done' in one) {
      done.push(one.done);
      open.splice(open.indexOf(one.done), 1);
      continue;
    }
    const { id } = one.sent;
    const step = askedSteps(definition).find(({ name }) => id.endsWith(`:${name}:do`));
    if (id.endsWith(':undo')) undos.push(one.sent);
    if (step === undefined || open.includes(step.name)) continue;
    claim(undos.length === 0, `${step.name} was sent after something was undone`);
    claim(!done.includes(step.name), `${step.name} was sent again after it was done`);
    claim(
      step.after.every((name) => done.includes(name)),
      `${step.name} was sent too early`,
    );
    open.push(step.name);
  }

  if (end.outcome === 'completed') {
    const all = askedSteps(definition).map(({ name }) => name);
    claim(
      undos.every(({ id }) => id.includes('record-dispatch')),
      'completed after something was undone',
    );
    claim(undos.length > 0 || all.every((name) => done.includes(name)), 'completed before everything was done');
    return problems;
  }
  const refused = new Set(end.steps.filter((record) => record.end === 'refused').map(({ name }) => name));
  const owed = [...done, ...open.filter((name) => !refused.has(name))].toReversed().flatMap((name) => {
    const undo = undoOf(definition, name);
    return undo === undefined
      ? []
      : [{ step: name, command: undo.command.name, of: effectIdOf(definition, order.orderId, { name }) }];
  });
  const undone = distinct(undos).map(({ id, command, body }) => ({
    step: stepIn(id),
    command: command.name,
    of: (body as { of?: string }).of ?? definition.start.effectId(order.orderId),
  }));
  claim(
    JSON.stringify(undone) === JSON.stringify(owed),
    `undone ${JSON.stringify(undone)}, owed ${JSON.stringify(owed)}`,
  );
  const runs = undos.map(({ id }) => id).filter((id, index, all) => id !== all[index - 1]);
  claim(new Set(runs).size === runs.length, 'two undos were outstanding');
  claim(sent.at(-1)!.command === definition.finalNotice?.command, 'the customer was not told last');
  return problems;
}

for (const definition of [placeOrder3, wide]) {
  test(`${definition.name}@${definition.version}, whatever happens: it ends, the undos mirror what happened, no step is sent too early, ids are deterministic`, (t) => {
    const outcomes = new Map<string, number>();
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const first = run(definition, events);
        const end = first.states.at(-1)!;
        const outcome = end.phase === 'ended' ? end.outcome : 'none';
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        const problems = problemsOf(definition, first);
        if (problems.length > 0) throw new Error(problems.join('\n'));
        if (JSON.stringify(run(definition, events)) !== JSON.stringify(first))
          throw new Error('two runs of the same events differ');
      }),
      { numRuns: 2000, includeErrorInReport: true },
    );
    t.log(Object.fromEntries(outcomes));
    t.is(outcomes.size, 3, 'completed, failed and cancelled were all seen');
  });
}
