import test from 'ava';
import fc from 'fast-check';
import * as contract from '#services/notify/contract.ts';
import { notificationEntity, type Mail, type NotificationState } from '#services/notify/notification.ts';
import { runEntity, type Told } from '#test/support/run-entity.ts';

type Outcome = 'completed' | 'failed' | 'cancelled';
const orderId = 'o1';
const facts = {
  orderId,
  to: 'alice@example.org',
  customerId: 'alice',
  total: { amount: 1299, currency: 'EUR' },
} as const;

function notification() {
  const mails: Mail[] = [];
  const server: { does: 'accept' | 'reject' | 'throw' } = { does: 'accept' };
  const run: ReturnType<typeof runEntity<NotificationState>> = runEntity<NotificationState>(
    notificationEntity({
      mailer: {
        async send(mail) {
          if (server.does === 'throw') throw new Error('451 try later');
          if (server.does === 'reject') return { accepted: false, reason: 'rejected_address' };
          mails.push(mail);
          return { accepted: true, at: run.clock.now + 10 };
        },
      },
    }),
  );
  return {
    run,
    mails,
    server,
    kinds: () => run.state?.mails.map((mail) => mail.kind) ?? [],
    send: (outcome: Outcome, told: Told = {}) =>
      run.tell(contract.send, { ...facts, outcome, reason: 'insufficient_funds' }, told),
    retract: (told: Told = {}) => run.tell(contract.retract, { orderId, of: 'o1:notify:do' }, told),
  };
}
const did = { completed: 'completed', failed: 'failed', cancelled: 'cancelled', retract: 'retract' } as const;
type Step = keyof typeof did;
const act = (one: ReturnType<typeof notification>, step: Step, told: Told = {}) =>
  step === 'retract' ? one.retract(told) : one.send(step, told);

const table: readonly (readonly [before: readonly Step[], step: Step, answer: string, kinds: readonly string[]])[] = [
  [[], 'completed', 'notify.sent', ['completed']],
  [[], 'failed', 'notify.sent', ['failed']],
  [[], 'cancelled', 'notify.sent', ['cancelled']],
  [[], 'retract', 'notify.retracted', []],
  [['completed'], 'completed', 'notify.sent', ['completed']],
  [['completed'], 'failed', 'notify.sent', ['completed', 'correction']],
  [['completed'], 'cancelled', 'notify.sent', ['completed', 'correction']],
  [['completed'], 'retract', 'notify.retracted', ['completed']],
  [['completed', 'retract'], 'completed', 'retracted', ['completed']],
  [['completed', 'retract'], 'failed', 'notify.sent', ['completed', 'correction']],
  [['completed', 'failed'], 'failed', 'notify.sent', ['completed', 'correction']],
  [['completed', 'failed'], 'cancelled', 'conflicting_outcome', ['completed', 'correction']],
  [['retract'], 'completed', 'retracted', []],
  [['retract'], 'failed', 'notify.sent', ['failed']],
  [['retract'], 'retract', 'notify.retracted', []],
  [['failed'], 'completed', 'conflicting_outcome', ['failed']],
  [['failed'], 'failed', 'notify.sent', ['failed']],
  [['failed'], 'cancelled', 'conflicting_outcome', ['failed']],
  [['failed'], 'retract', 'notify.retracted', ['failed']],
  [['cancelled'], 'completed', 'conflicting_outcome', ['cancelled']],
];

for (const [before, step, answer, kinds] of table) {
  test(`after ${before.join(', ') || 'nothing'}: ${step} is answered ${answer}, told ${kinds.join(', ') || 'nothing'}`, async (t) => {
    const one = notification();
    for (const done of before) await act(one, done);
    const { type, body } = await act(one, step);
    t.is(body['reason'] ?? type, answer);
    t.deepEqual(one.kinds(), kinds);
    t.is(one.mails.length, kinds.length);
  });
}

test('the answer names the mail and when the server accepted it, a second one the same', async (t) => {
  const one = notification();
  const { body } = await one.send('completed', { traceparent: '00-a-b-01' });
  t.deepEqual(body, { orderId, mailId: '<o1.completed@switchyard.example>', dispatchedAt: one.run.clock.now + 10 });
  t.deepEqual(one.mails[0]?.headers, { 'X-Order-Id': orderId, traceparent: '00-a-b-01' });
  one.run.clock.now += 5000;
  t.deepEqual((await one.send('completed')).body, body);
});

test('an undo tells whether the success mail had gone out', async (t) => {
  const sent = notification();
  await sent.send('completed');
  t.is((await sent.retract()).body['accepted'], true);
  const unsent = notification();
  await unsent.send('failed');
  t.is((await unsent.retract()).body['accepted'], false);
});

test('a rejected address is a refusal, a mail server in trouble is not', async (t) => {
  const one = notification();
  one.server.does = 'throw';
  await t.throwsAsync(one.send('completed'));
  t.is(one.run.state, undefined);
  one.server.does = 'reject';
  t.is((await one.send('completed')).body['reason'], 'rejected_address');
  t.is((await one.send('completed')).body['reason'], 'rejected_address');
  t.deepEqual(one.kinds(), []);
  const [refused, ...more] = one.run.state?.refused ?? [];
  t.like(refused, { outcome: 'completed', reason: 'rejected_address', refusedAt: one.run.clock.now });
  t.deepEqual(more, []);
  one.server.does = 'accept';
  t.is((await one.send('failed')).type, 'notify.sent');
  t.deepEqual(one.kinds(), ['failed']);
});

test('whatever the order and the duplicates: a mail per outcome at most, none that succeeds after its undo or after another end', async (t) => {
  const steps = Object.keys(did) as Step[];
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ step: fc.constantFrom(...steps), again: fc.boolean() }), { maxLength: 12 }),
      async (sequence) => {
        const one = notification();
        let undone = false;
        for (const { step, again } of sequence) {
          const before = one.kinds();
          await act(one, step, again ? { id: step } : {});
          if (undone) t.false(one.kinds().slice(before.length).includes('completed'));
          undone ||= step === 'retract' || one.kinds().some((kind) => kind !== 'completed');
        }
        const ids = one.mails.map((mail) => mail.messageId);
        t.is(new Set(ids).size, ids.length);
        t.true(ids.length <= 2);
        if (ids.length === 2) t.deepEqual(one.kinds(), ['completed', 'correction']);
      },
    ),
    { numRuns: 300 },
  );
});
