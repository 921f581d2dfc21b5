import test from 'ava';
import fc from 'fast-check';
import * as contract from '#services/wallet/contract.ts';
import { isEntry } from '#services/wallet/ledger.ts';
import { walletEntity, type WalletState } from '#services/wallet/wallet.ts';
import { recordsIn } from '#test/support/records.ts';
import { runEntity } from '#test/support/run-entity.ts';

const customerId = 'alice';
const steps = ['hold', 'release', 'capture', 'refund'] as const;

function ledger(keptBytes: number) {
  const room = {
    openBytes: keptBytes,
    closedBytes: keptBytes,
    topUps: Math.floor(keptBytes / 200),
    openElsewhere: 100,
  };
  const run: ReturnType<typeof runEntity<WalletState>> = runEntity(
    walletEntity({ findRecords: (ids) => recordsIn(run.journal)(ids), room, skewMs: 0 }),
    { now: 0 },
  );
  const entries = () => [...run.journal.values()].filter(isEntry);
  const sum = (kind: string, holdId?: string) =>
    entries()
      .filter((one) => one.kind === kind && (holdId === undefined || one.holdId === holdId))
      .reduce((all, one) => all + one.amount, 0);
  return { run, entries, sum };
}

function send(run: ReturnType<typeof ledger>['run'], step: (typeof steps)[number], n: number, id?: string) {
  const ofHold = { customerId, orderId: `o${n}`, holdId: `h${n}` };
  const told = { ...(id !== undefined && { id }), rememberUntil: run.clock.now + 1000 };
  switch (step) {
    case 'hold':
      return run.tell(
        contract.hold,
        { ...ofHold, amount: { amount: n === 0 ? 0 : 10 + n, currency: n === 0 ? 'USD' : 'EUR' } },
        told,
      );
    case 'release':
      return run.tell(contract.release, { ...ofHold, of: 'x' }, told);
    case 'capture':
      return run.tell(contract.capture, ofHold, told);
    case 'refund':
      return run.tell(contract.refundToWallet, { ...ofHold, of: 'x' }, told);
  }
}

const command = fc.record({
  step: fc.constantFrom(...steps, 'top-up' as const, 'forget' as const),
  n: fc.integer({ min: 0, max: 5 }),
  waitMs: fc.constantFrom(0, 1, 500, 5000),
  duplicate: fc.boolean(),
});

test('whatever arrives, in whatever order and number, the entries add up to the balances and no rule of the ledger breaks', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(command, { maxLength: 60 }),
      fc.constantFrom(0, 130, 300, 100_000),
      async (commands, keptBytes) => {
        const { run, entries, sum } = ledger(keptBytes);
        const ends = new Map<string, number>();
        for (const { step, n, waitMs, duplicate } of commands) {
          run.clock.now += waitMs;
          if (step === 'forget') run.forget();
          else if (step === 'top-up') {
            const amount = 20 + n;
            await run.tell(contract.topUp, { customerId, topUpId: `t${n}`, amount: { amount, currency: 'EUR' } });
          } else await send(run, step, n, duplicate ? `${step}-${n}` : undefined);
          if (!run.state) continue;

          const { available, held, captured } = run.state;
          t.true(available >= 0 && held >= 0 && captured >= 0);
          t.is(available + held + captured, sum('top-up'));
          t.is(held, sum('hold') - sum('release') - sum('capture'));
          t.is(captured, sum('capture') - sum('refund'));
          t.deepEqual(
            entries().map((one) => one.seq),
            Array.from({ length: run.state.entries }, (_, index) => index + 1),
          );
          for (let hold = 0; hold <= 5; hold += 1) {
            const of = (kind: string) => sum(kind, `h${hold}`);
            t.true(of('release') + of('capture') <= of('hold'));
            t.true(of('refund') === 0 || of('refund') === of('capture'));
            const end = of('release') + of('capture');
            t.true(end >= (ends.get(`h${hold}`) ?? 0));
            ends.set(`h${hold}`, end);
          }
        }
      },
    ),
    { numRuns: 400 },
  );
});

test('any permutation of hold, capture and their undos, with duplicates, leaves the wallet as it was', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...steps), { maxLength: 6 }).chain((more) => {
        const all = [...steps, ...more];
        return fc.shuffledSubarray(all, { minLength: all.length });
      }),
      fc.array(fc.boolean(), { minLength: 10, maxLength: 10 }),
      async (sequence, fresh) => {
        const { run } = ledger(100_000);
        await run.tell(contract.topUp, { customerId, topUpId: 't', amount: { amount: 50, currency: 'EUR' } });
        for (const [index, step] of sequence.entries()) await send(run, step, 1, fresh[index] ? undefined : step);
        t.deepEqual([run.state!.available, run.state!.held, run.state!.captured], [50, 0, 0]);
      },
    ),
    { numRuns: 400 },
  );
});

test('an undone hold stays undone when copies arrive after everything about it was forgotten', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.shuffledSubarray([...steps], { minLength: 4 }),
      fc.constantFrom(...steps),
      async (sequence, late) => {
        const { run } = ledger(0);
        await run.tell(contract.topUp, { customerId, topUpId: 't', amount: { amount: 50, currency: 'EUR' } });
        await send(run, 'hold', 1);
        for (const step of sequence) await send(run, step, 1);
        run.clock.now += 1_000_000;
        run.forget();
        await send(run, late, 1);
        t.deepEqual([run.state!.available, run.state!.held, run.state!.captured], [50, 0, 0]);
      },
    ),
    { numRuns: 200 },
  );
});
