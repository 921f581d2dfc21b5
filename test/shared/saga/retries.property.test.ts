/** Whatever happens to a saga whose step is tried again: it ends, and every effect that may stand is taken back once. */
import test from 'ava';
import fc from 'fast-check';
import { driveTrip } from './drive.ts';
import { TRIES, groupSaga, tripSaga, type TripDefinition } from './trip.ts';

const event = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ kind: 'done' } as const) },
  { weight: 4, arbitrary: fc.constant({ kind: 'refused' } as const) },
  { weight: 1, arbitrary: fc.constant({ kind: 'too-late' } as const) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('late' as const), pick: fc.nat(), refused: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 30_000 }) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'cancel' } as const) },
);
type Event = typeof event extends fc.Arbitrary<infer Value> ? Value : never;

const sagas: readonly { readonly of: string; readonly saga: TripDefinition; readonly travellers: number }[] = [
  { of: 'hold', saga: tripSaga('hold'), travellers: 1 },
  { of: 'release', saga: tripSaga('release'), travellers: 1 },
  { of: 'release, a seat for each of three', saga: groupSaga('release'), travellers: 3 },
  { of: 'hold, a seat for each of three', saga: groupSaga('hold'), travellers: 3 },
];

function run(saga: TripDefinition, events: readonly Event[]) {
  const drive = driveTrip(saga, 'alice+bob+carol');
  /** By the id of a do: refused for certain. Anything else that was sent may have had its effect. */
  const refused = new Set<string>();
  for (const one of events) {
    const awaiting = drive.outstanding();
    const awaited = awaiting[events.length % Math.max(1, awaiting.length)];
    if (one.kind === 'pass') drive.pass(one.ms);
    else if (one.kind === 'cancel') drive.cancel();
    else if (one.kind === 'late')
      drive.answer(one.refused ? 'refused' : 'done', drive.sent[one.pick % drive.sent.length]);
    else if (awaited !== undefined && (one.kind !== 'refused' || awaited.command.refused !== undefined))
      drive.answer(one.kind, awaited);
    noteRefusals(drive, refused);
  }
  drive.goOn();
  return { drive, refused };
}

function noteRefusals({ state, sent }: ReturnType<typeof driveTrip>, refused: Set<string>): void {
  if (!('steps' in state)) return;
  for (const { name, number = 1, end } of [...state.steps, ...(state.earlier ?? []).flat()]) {
    const id = `trip-1:${number === 1 ? name : `${name}#${number}`}:do`;
    if (end === 'refused' && sent.some((one) => one.id === id)) refused.add(id);
  }
}

for (const { of, saga, travellers } of sagas) {
  test(`${of}: it ends, no more tries than it has, each effect undone once or all of them standing`, (t) => {
    const outcomes = new Map<string, number>();
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        const { drive, refused } = run(saga, events);
        const { state } = drive.timeline();
        outcomes.set(state, (outcomes.get(state) ?? 0) + 1);
        const sent = (suffix: string) =>
          [...new Set(drive.ids().filter((id) => id.endsWith(suffix)))].map((id) => id.slice(0, -suffix.length));
        const dos = sent(':do').filter((id) => id !== 'tell-traveller' && !refused.has(`trip-1:${id}:do`));
        const undos = sent(':undo').filter((id) => id !== 'plan-trip');
        const standing = dos.filter((id) => !undos.includes(id));
        if (undos.some((id) => !dos.includes(id))) throw new Error(`undone without an effect: ${undos.join(' ')}`);
        if (state !== 'completed' && standing.length > 0) throw new Error(`left standing: ${standing.join(' ')}`);
        const kept = standing.map((id) => id.replace(/[#/].*/, '')).join();
        if (state === 'completed' && kept !== [...Array(travellers).fill('reserve-seat'), 'charge-card'].join())
          throw new Error(`completed with ${standing.join(' ')}`);
        if (sent(':do').filter((id) => id.startsWith('charge-card')).length > TRIES) throw new Error('too many tries');
        for (const one of drive.sent) {
          const first = drive.sent.find(({ id }) => id === one.id)!;
          if (JSON.stringify(first.body) !== JSON.stringify(one.body)) throw new Error(`${one.id} had two bodies`);
        }
        const { compensations } = drive.timeline();
        if (compensations.length !== sent(':undo').length) throw new Error('the timeline tells other undos');
      }),
      { numRuns: 2000, includeErrorInReport: true },
    );
    t.log(Object.fromEntries(outcomes));
    t.is(outcomes.size, 3, 'completed, failed and cancelled were all seen');
  });
}
