import test from 'ava';
import fc from 'fast-check';
import { createPayments, type ProviderPayment } from '#local/stand-ins/provider/payments.ts';
import * as contract from '#services/payment/contract.ts';
import { paymentEntity, type PaymentState } from '#services/payment/payment.ts';
import type { Provider } from '#services/payment/provider.ts';
import { shown } from '#services/payment/view.ts';
import { runEntity, type Told } from '#test/support/run-entity.ts';

const paymentId = 'pay-o1';
const details = {
  paymentId,
  orderId: 'o1',
  customerId: 'alice',
  amount: { amount: 60, currency: 'EUR' },
  method: 'pm_ok',
} as const;
const undo = { paymentId, orderId: 'o1', of: 'o1:x:do', reason: 'insufficient_funds' };

/** A payment on the simulated provider's book; `lose` makes the next call throw, before or after its effect. */
function payment(method = 'pm_ok', amount = 60) {
  const book = createPayments();
  const calls: string[] = [];
  const keys: string[] = [];
  let lost: 'before' | 'after' | undefined;
  let declines = 0;
  const called = <Outcome>(effect: string, idempotencyKey: string, apply: () => Outcome): Outcome => {
    calls.push(effect);
    keys.push(idempotencyKey);
    if (idempotencyKey.replace(/#\d+$/, '') !== `${paymentId}:${effect}`)
      throw new Error(`wrong key ${idempotencyKey}`);
    const when = lost;
    lost = undefined;
    if (when === 'before') throw new Error('503');
    const outcome = apply();
    if (when === 'after') throw new Error('timed out');
    return outcome;
  };
  const provider: Provider = {
    authorize: async ({ idempotencyKey, orderId, amount, method: token }) =>
      called('authorize', idempotencyKey, () => {
        declines -= 1;
        if (declines >= 0) return { approved: false as const, reason: 'card_declined' };
        return book.authorize(paymentId, { orderId, amount, method: token });
      }),
    capture: async ({ idempotencyKey }) => called('capture', idempotencyKey, () => book.capture(paymentId)),
    void: async ({ idempotencyKey }) => void called('void', idempotencyKey, () => book.void(paymentId)),
    refund: async ({ idempotencyKey }) => {
      const outcome = called('refund', idempotencyKey, () => book.refund(paymentId));
      return { refunded: outcome.approved && outcome.payment.status === 'refunded' };
    },
  };
  const run = runEntity<PaymentState>(paymentEntity({ provider }));
  return {
    run,
    calls,
    keys,
    atProvider: () => book.find(paymentId)?.status ?? 'none',
    lose: (when: 'before' | 'after') => (lost = when),
    /** The next so many authorizations are declined. */
    decline: (times: number) => (declines = times),
    create: (told: Told = {}) =>
      run.tell(contract.create, { ...details, method, amount: { ...details.amount, amount } }, told),
    createOther: (told: Told = {}) => run.tell(contract.create, { ...details, customerId: 'mallory' }, told),
    authorize: (told: Told = {}) => run.tell(contract.authorize, { paymentId, holdId: 'h1' }, told),
    authorizeOther: (told: Told = {}) => run.tell(contract.authorize, { paymentId, holdId: 'h2' }, told),
    settle: (told: Told = {}) => run.tell(contract.settle, { paymentId, captureId: 'c1', capturedAt: 5 }, told),
    settleOther: (told: Told = {}) => run.tell(contract.settle, { paymentId, captureId: 'c2', capturedAt: 5 }, told),
    void: (told: Told = {}) => run.tell(contract.voidPayment, undo, told),
    refund: (told: Told = {}) => run.tell(contract.refund, undo, told),
  };
}
type Step = 'create' | 'createOther' | 'authorize' | 'authorizeOther' | 'settle' | 'settleOther' | 'void' | 'refund';

const paths = {
  nothing: [],
  voidedAhead: ['void'],
  refundedAhead: ['refund'],
  created: ['create'],
  authorized: ['create', 'authorize'],
  settleForbidden: ['create', 'authorize', 'refund'],
  settled: ['create', 'authorize', 'settle'],
  refunded: ['create', 'authorize', 'settle', 'refund'],
  voided: ['create', 'authorize', 'void'],
} as const satisfies Record<string, readonly Step[]>;

type Cell = readonly [answer: string, status: PaymentState['status'], atProvider: ProviderPayment['status']];
const table: Record<keyof typeof paths, Partial<Record<Step, Cell>>> = {
  nothing: {
    create: ['payment.created', 'created', 'none'],
    authorize: ['unknown_payment', 'unknown', 'none'],
    settle: ['unknown_payment', 'unknown', 'none'],
    void: ['payment.voided', 'voided', 'voided'],
    refund: ['payment.refunded', 'unknown', 'none'],
  },
  voidedAhead: {
    create: ['already_voided', 'voided', 'voided'],
    authorize: ['already_voided', 'voided', 'voided'],
    settle: ['already_voided', 'voided', 'voided'],
    void: ['payment.voided', 'voided', 'voided'],
    refund: ['payment.refunded', 'voided', 'voided'],
  },
  refundedAhead: { create: ['payment.created', 'created', 'none'], settle: ['unknown_payment', 'unknown', 'none'] },
  created: {
    create: ['payment.created', 'created', 'none'],
    createOther: ['conflicting_payment', 'created', 'none'],
    authorize: ['payment.authorized', 'authorized', 'authorized'],
    settle: ['not_authorized', 'created', 'none'],
    void: ['payment.voided', 'voided', 'voided'],
    refund: ['payment.refunded', 'created', 'none'],
  },
  authorized: {
    create: ['payment.created', 'authorized', 'authorized'],
    createOther: ['conflicting_payment', 'authorized', 'authorized'],
    authorize: ['payment.authorized', 'authorized', 'authorized'],
    authorizeOther: ['conflicting_hold', 'authorized', 'authorized'],
    settle: ['payment.settled', 'settled', 'captured'],
    void: ['payment.voided', 'voided', 'voided'],
    refund: ['payment.refunded', 'authorized', 'authorized'],
  },
  settleForbidden: {
    settle: ['already_undone', 'authorized', 'authorized'],
    refund: ['payment.refunded', 'authorized', 'authorized'],
    void: ['payment.voided', 'voided', 'voided'],
  },
  settled: {
    create: ['payment.created', 'settled', 'captured'],
    authorize: ['payment.authorized', 'settled', 'captured'],
    settle: ['payment.settled', 'settled', 'captured'],
    settleOther: ['conflicting_capture', 'settled', 'captured'],
    void: ['payment.voided', 'settled', 'captured'],
    refund: ['payment.refunded', 'refunded', 'refunded'],
  },
  refunded: {
    create: ['already_refunded', 'refunded', 'refunded'],
    authorize: ['already_refunded', 'refunded', 'refunded'],
    settle: ['already_refunded', 'refunded', 'refunded'],
    void: ['payment.voided', 'refunded', 'refunded'],
    refund: ['payment.refunded', 'refunded', 'refunded'],
  },
  voided: {
    create: ['already_voided', 'voided', 'voided'],
    authorize: ['already_voided', 'voided', 'voided'],
    settle: ['already_voided', 'voided', 'voided'],
    void: ['payment.voided', 'voided', 'voided'],
    refund: ['payment.refunded', 'voided', 'voided'],
  },
};

for (const [path, row] of Object.entries(table)) {
  for (const [step, [answer, status, atProvider]] of Object.entries(row) as [Step, Cell][]) {
    test(`a payment ${path}: ${step} is answered ${answer}, leaves ${status}, ${atProvider} at the provider`, async (t) => {
      const one = payment();
      for (const done of paths[path as keyof typeof paths]) await one[done]();
      const { type, body } = await one[step]();
      t.is(body['reason'] ?? type, answer);
      t.is(one.run.state?.status, status);
      t.is(one.atProvider(), atProvider);
    });
  }
}

test('a declined payment is answered with the provider’s reason and voided with the saga’s', async (t) => {
  const one = payment('pm_declined');
  await one.create();
  t.deepEqual(await one.authorize(), { type: 'payment.declined', body: { paymentId, reason: 'card_declined' } });
  t.like(shown(one.run.state!), { status: 'created', reason: 'card_declined' });
  await one.void();
  t.like(shown(one.run.state!), { status: 'voided', reason: 'insufficient_funds', amount: details.amount });
});

for (const when of ['before', 'after'] as const) {
  test(`an authorization whose answer was lost ${when} its effect is tried again, or voided`, async (t) => {
    const again = payment();
    await again.create();
    again.lose(when);
    await t.throwsAsync(again.authorize({ id: 'a' }));
    t.is(again.run.state?.status, 'created');

    await again.void();
    t.is(again.atProvider(), 'voided');
    t.is((await again.authorize({ id: 'a' })).body['reason'], 'already_voided');
  });
}

test('a declined payment may be authorized again: the provider is asked under a key of that try, each try once', async (t) => {
  const one = payment();
  await one.create();
  one.decline(2);
  t.is((await one.authorize({ id: 'try-1' })).type, 'payment.declined');
  t.is((await one.authorize({ id: 'try-1' })).type, 'payment.declined', 'the same message asks nobody again');
  one.lose('after');
  await t.throwsAsync(one.authorize({ id: 'try-2' }));
  one.decline(1);
  t.is((await one.authorize({ id: 'try-2' })).type, 'payment.declined');
  t.like(shown(one.run.state!), { status: 'created', reason: 'card_declined' });
  t.is((await one.authorize({ id: 'try-3' })).type, 'payment.authorized');
  t.deepEqual(
    one.keys,
    ['authorize', 'authorize#2', 'authorize#2', 'authorize#3'].map((key) => `${paymentId}:${key}`),
  );
  t.is(one.atProvider(), 'authorized');
  t.is((await one.settle()).type, 'payment.settled');
});

test('a capture that happened at the provider but is not known here is given back by the refund', async (t) => {
  for (const undos of [
    ['refund', 'void'],
    ['void', 'refund'],
  ] as const) {
    const one = payment();
    await one.create();
    await one.authorize();
    one.lose('after');
    await t.throwsAsync(one.settle());
    t.is(one.atProvider(), 'captured');
    for (const step of undos) await one[step]();
    t.is(one.atProvider(), 'refunded');
    t.is(one.run.state?.status, 'refunded');
    t.deepEqual((await one.void()).body, { paymentId, status: 'refunded' });
  }
});

test('a payment undone before it was created becomes readable as voided once its details are known', async (t) => {
  const one = payment();
  await one.void();
  t.is(shown(one.run.state!), undefined);
  await one.create();
  t.like(shown(one.run.state!), { id: paymentId, orderId: 'o1', status: 'voided', reason: 'insufficient_funds' });
});

for (const method of ['pm_ok', 'pm_declined'])
  test(`a payment over nothing with ${method} is authorized, settled and refunded, and the provider hears nothing of it`, async (t) => {
    const one = payment(method, 0);
    const answers = ['create', 'authorize', 'settle', 'refund', 'void'] as const;
    const told = [];
    for (const step of answers) told.push((await one[step]()).type);
    t.deepEqual(told, [
      'payment.created',
      'payment.authorized',
      'payment.settled',
      'payment.refunded',
      'payment.voided',
    ]);
    t.is(one.run.state?.status, 'refunded');
    t.deepEqual(one.calls, []);
  });

test('a payment over nothing that was given up is voided, and a settlement after its refund is refused', async (t) => {
  const one = payment('pm_ok', 0);
  for (const step of ['create', 'authorize', 'refund'] as const) await one[step]();
  t.is((await one.settle()).body['reason'], 'already_undone');
  t.is((await one.void()).type, 'payment.voided');
  t.is(one.run.state?.status, 'voided');
  t.deepEqual(one.calls, []);
});

test('a settled payment shows when it was captured', async (t) => {
  const one = payment();
  for (const step of paths.settled) await one[step]();
  t.like(shown(one.run.state!), { status: 'settled', capturedAt: '1970-01-01T00:00:00.005Z' });
});

const all = ['create', 'authorize', 'settle', 'void', 'refund'] as const;

test('any permutation of a payment’s commands and their undos, with duplicates and lost answers, ends undone', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc
        .array(fc.constantFrom(...all), { maxLength: 7 })
        .chain((more) => fc.shuffledSubarray([...all, ...more], { minLength: all.length + more.length })),
      fc.array(fc.constantFrom(undefined, 'before' as const, 'after' as const), { minLength: 12, maxLength: 12 }),
      fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
      async (sequence, losses, duplicates) => {
        const one = payment();
        for (const [index, step] of sequence.entries()) {
          const told = duplicates[index] ? { id: step } : {};
          const loss = losses[index];
          if (loss) one.lose(loss);
          try {
            await one[step](told);
          } catch {
            if (step === 'void' || step === 'refund') await one[step](told);
          }
        }
        t.true(['voided', 'refunded'].includes(one.run.state!.status));
        t.false(['authorized', 'captured'].includes(one.atProvider()));
      },
    ),
    { numRuns: 500 },
  );
});
