import test from 'ava';
import { emptyDocument } from '#shared/entity/document.ts';
import type { Entity } from '#shared/entity/entity.ts';
import { limitsFor } from '#shared/entity/options.ts';
import type { Document, Stashed, Unsent } from '#shared/entity/store.ts';
import {
  afterFailure,
  verdict,
  wakeVerdict,
  type Circumstances,
  type Failure,
  type Subject,
} from '#shared/entity/verdict.ts';
import { WAKE, type Message } from '#shared/message.ts';

interface State {
  readonly alarmAt: number;
}
const NOW = 1_000_000;
const limits = limitsFor(10_000, { stashSize: 3, unsentSize: 2 });
const message: Message = { id: 'm', type: 'tally.add', key: 'a', body: {}, correlationId: 'a' };
const subject: Subject = { message, queue: 'q0', bytes: 500 };
const usual: Circumstances = { now: NOW, bytes: 1000, settlesInMs: 0, noRoom: false };
const stashed = (id: string, more: Partial<Stashed> = {}): Stashed => ({
  message: { ...message, id },
  attempts: 1,
  nextTryAt: NOW,
  ...more,
});
const unsent = (nextTryAt: number): Unsent => ({
  send: { exchange: 'x', message },
  attempts: 1,
  reason: '',
  since: 0,
  nextTryAt,
});
const document = (more: Partial<Document<State>> = {}): Document<State> => ({
  ...emptyDocument<State>('a'),
  partition: 'q0',
  ...more,
});

for (const [what, doc, of, circumstances, expected] of [
  ['of a key that has nothing', emptyDocument('a'), {}, {}, 'run'],
  ['that was handled', document({ handled: [{ id: 'm' }] }), {}, {}, 'duplicate'],
  [
    'that was handled, and is late',
    document({ handled: [{ id: 'm' }] }),
    { message: { ...message, deadline: 1 } },
    {},
    'duplicate',
  ],
  ['that is remembered outside', document({ spilledUntil: NOW + 1 }), { remembered: { id: 'm' } }, {}, 'duplicate'],
  ['whose id may be remembered outside', document({ spilledUntil: NOW + 1 }), {}, {}, 'look it up'],
  ['whose id was looked up', document({ spilledUntil: NOW + 1 }), { remembered: 'nothing' }, {}, 'run'],
  ['when what was outside has expired', document({ spilledUntil: NOW }), {}, {}, 'run'],
  ['that is in the stash', document({ stash: [stashed('m')] }), {}, {}, 'stashed before'],
  ['behind a stash', document({ stash: [stashed('x')] }), {}, {}, 'stash'],
  [
    'behind a stash, and late',
    document({ stash: [stashed('x')] }),
    { message: { ...message, deadline: 1 } },
    {},
    'stash',
  ],
  ['behind a full stash', document({ stash: ['x', 'y', 'z'].map((id) => stashed(id)) }), {}, {}, 'no room'],
  ['behind a stash in a large document', document({ stash: [stashed('x')] }), {}, { bytes: 48_800 }, 'no room'],
  ['past its deadline', document(), { message: { ...message, deadline: NOW - 1 } }, {}, 'too late'],
  ['at its deadline', document(), { message: { ...message, deadline: NOW } }, {}, 'run'],
  ['of another key', document(), { message: { ...message, key: 'b' } }, {}, 'not for this key'],
  ['by another partition, soon after the start', document(), { queue: 'q1' }, { settlesInMs: 1 }, 'stash'],
  ['by another partition, later', document(), { queue: 'q1' }, { settlesInMs: 0 }, 'run'],
  [
    'by the old partition before those of the new one',
    document({ stash: [stashed('x', { movedTo: 'q1' })] }),
    {},
    {},
    'run',
  ],
  [
    'by the new partition behind others',
    document({ stash: [stashed('x', { movedTo: 'q1' })] }),
    { queue: 'q1' },
    {},
    'stash',
  ],
  ['of a key that owes too many sends', document({ unsent: [unsent(NOW), unsent(NOW)] }), {}, {}, 'stash'],
  ['that may need long when no more may', document(), {}, { noRoom: true }, 'stash'],
] as const) {
  test(`a message ${what}: ${expected}`, (t) => {
    t.is(verdict(doc as Document<State>, { ...subject, ...of }, limits, { ...usual, ...circumstances }).is, expected);
  });
}

const entity: Entity<State> = { route: 'tally', handlers: [], dueAt: ({ alarmAt }) => alarmAt };
const wake: Message = { ...message, id: `${WAKE}:a:1`, type: WAKE };

for (const [what, doc, noRoom, expected] of [
  ['with nothing due', document(), false, 'done'],
  ['that was handled', document({ handled: [{ id: wake.id }] }), false, 'duplicate'],
  ['with a send that is due', document({ unsent: [unsent(NOW)], stash: [stashed('x')] }), false, 'send again'],
  ['with a send that is not', document({ unsent: [unsent(NOW + 1)] }), false, 'done'],
  ['with a stash that is due', document({ stash: [stashed('x')], state: { alarmAt: NOW } }), false, 'run stashed'],
  [
    'with a stash that came by another partition, soon after the start',
    document({ stash: [stashed('x', { movedTo: 'q1' })] }),
    false,
    'too early',
  ],
  ['with a stash that waits', document({ stash: [stashed('x', { nextTryAt: NOW + 1 })] }), false, 'done'],
  [
    'with a stash whose head is late',
    document({ stash: [{ ...stashed('x'), message: { ...message, deadline: 1 } }] }),
    false,
    'too late',
  ],
  ['with a stash that may need long when no more may', document({ stash: [stashed('x')] }), true, 'done'],
  ['that is due itself', document({ state: { alarmAt: NOW } }), false, 'run own wake'],
  ['that is due later', document({ state: { alarmAt: NOW + 1 } }), false, 'done'],
  [
    'that is due itself while its stash waits',
    document({ state: { alarmAt: NOW }, stash: [stashed('x', { nextTryAt: NOW + 1 })] }),
    false,
    'run own wake',
  ],
  [
    'that is due itself while somebody runs on its state',
    document({ state: { alarmAt: NOW }, stash: [stashed('x', { nextTryAt: NOW + 1, leasedUntil: NOW + 1 })] }),
    false,
    'done',
  ],
] as const) {
  test(`a woken key ${what}: ${expected}`, (t) => {
    const said = wakeVerdict(doc, wake, entity, limits, { now: NOW, settlesInMs: 1, noRoom });
    t.is(said.is === 'run' ? `run ${said.what}` : said.is, expected);
  });
}

const failure: Failure = {
  what: 'message',
  kind: 'failed',
  attempts: 1,
  maxAttempts: 10,
  since: NOW,
  waitMs: 50,
  isWidespread: false,
  isCrowded: false,
  fits: true,
};
const LATE = { since: NOW - limits.stashAfterMs };

for (const [what, more, expected] of [
  ['for the first time', {}, 'retry'],
  ['when it has been in hand for long', LATE, 'stash'],
  ['when waiting keys hold too much', { isCrowded: true }, 'stash'],
  ['for the last time', { attempts: 10 }, 'bury'],
  ['and always will', { kind: 'hopeless' }, 'bury'],
  ['in the stash', { what: 'stashed' }, 'stash'],
  ['in the stash for the last time', { what: 'stashed', attempts: 10 }, 'bury'],
  ['in an own wake', { what: 'own wake', attempts: 99 }, 'let go'],
  ['because the effect hangs for everybody', { kind: 'timed out', isWidespread: true }, 'retry'],
  ['because the effect hangs for everybody, for long', { kind: 'timed out', isWidespread: true, ...LATE }, 'give back'],
  ['because the effect hangs, for long', { kind: 'timed out', ...LATE }, 'stash'],
  ['when its document has no room', { fits: false }, 'retry'],
  ['when its document has no room, and it has been in hand for long', { fits: false, ...LATE }, 'bury'],
  ['because its type is not known', { kind: 'unknown type' }, 'stash'],
  ['because its type is not known, many times', { kind: 'unknown type', attempts: 99 }, 'stash'],
  ['because its type is not known, for long', { kind: 'unknown type', since: NOW - 60_000 }, 'bury'],
  ['because the database refuses', { kind: 'refused', ...LATE }, 'retry'],
  ['because the database refuses, again and again', { kind: 'refused', attempts: 3 }, 'bury'],
] as const) {
  test(`a message that fails ${what}: ${expected}`, (t) => {
    t.is(afterFailure({ ...failure, ...more }, limits, NOW).is, expected);
  });
}
