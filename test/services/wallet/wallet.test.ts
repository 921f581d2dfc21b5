import test from 'ava';
import { MAX_AMOUNT_MINOR, type Currency } from '#services/money.ts';
import * as contract from '#services/wallet/contract.ts';
import type { Entry } from '#services/wallet/ledger.ts';
import { DEFAULT_ROOM, type WalletRoom } from '#services/wallet/room.ts';
import { walletEntity, type WalletState } from '#services/wallet/wallet.ts';
import { recordsIn } from '#test/support/records.ts';
import { runEntity, type Told } from '#test/support/run-entity.ts';

const customerId = 'alice';
const ofHold = { customerId, orderId: 'o1', holdId: 'h1' };
const money = (amount: number, currency: Currency = 'EUR') => ({ amount, currency });

/** A wallet with the messages of one hold; `looked` counts look-ups in the journal. */
function wallet(start = { now: 1_000_000 }, room?: WalletRoom) {
  const looked: string[] = [];
  const run: ReturnType<typeof runEntity<WalletState>> = runEntity(
    walletEntity({
      findRecords: async (ids) => {
        looked.push(ids[0]!);
        return recordsIn(run.journal)(ids);
      },
      ...(room && { room }),
      skewMs: 0,
    }),
    start,
  );
  const balances = () => [run.state!.available, run.state!.held, run.state!.captured] as const;
  return {
    run,
    looked,
    balances,
    kinds: () => [...run.journal.values()].map((entry) => entry['kind']),
    topUp: (amount = 100, topUpId = 't1', told: Told = {}) =>
      run.tell(contract.topUp, { customerId, topUpId, amount: money(amount) }, told),
    hold: (amount = 60, told: Told = {}) => run.tell(contract.hold, { ...ofHold, amount: money(amount) }, told),
    release: (told: Told = {}) => run.tell(contract.release, { ...ofHold, of: 'o1:hold:do' }, told),
    capture: (told: Told = {}) => run.tell(contract.capture, ofHold, told),
    refund: (told: Told = {}) => run.tell(contract.refundToWallet, { ...ofHold, of: 'o1:capture:do' }, told),
  };
}
type Wallet = ReturnType<typeof wallet>;
const NOTHING_KEPT: WalletRoom = { openBytes: 0, closedBytes: 0, topUps: 0, openElsewhere: 100 };
type Step = 'hold' | 'release' | 'capture' | 'refund';

const paths = {
  none: [],
  holdForbidden: ['release'],
  captureForbidden: ['refund'],
  open: ['hold'],
  openCaptureForbidden: ['hold', 'refund'],
  released: ['hold', 'release'],
  captured: ['hold', 'capture'],
  refunded: ['hold', 'capture', 'refund'],
} as const satisfies Record<string, readonly Step[]>;

type Row = Record<Step, readonly [answer: string, available: number, held: number, captured: number]>;
const table: Record<keyof typeof paths, Row> = {
  none: {
    hold: ['wallet.held', 40, 60, 0],
    release: ['wallet.released', 100, 0, 0],
    capture: ['no_such_hold', 100, 0, 0],
    refund: ['wallet.refunded', 100, 0, 0],
  },
  holdForbidden: {
    hold: ['already_undone', 100, 0, 0],
    release: ['wallet.released', 100, 0, 0],
    capture: ['already_undone', 100, 0, 0],
    refund: ['wallet.refunded', 100, 0, 0],
  },
  captureForbidden: {
    hold: ['wallet.held', 40, 60, 0],
    release: ['wallet.released', 100, 0, 0],
    capture: ['already_undone', 100, 0, 0],
    refund: ['wallet.refunded', 100, 0, 0],
  },
  open: {
    hold: ['wallet.held', 40, 60, 0],
    release: ['wallet.released', 100, 0, 0],
    capture: ['wallet.captured', 40, 0, 60],
    refund: ['wallet.refunded', 40, 60, 0],
  },
  openCaptureForbidden: {
    hold: ['wallet.held', 40, 60, 0],
    release: ['wallet.released', 100, 0, 0],
    capture: ['already_undone', 40, 60, 0],
    refund: ['wallet.refunded', 40, 60, 0],
  },
  released: {
    hold: ['already_undone', 100, 0, 0],
    release: ['wallet.released', 100, 0, 0],
    capture: ['already_undone', 100, 0, 0],
    refund: ['wallet.refunded', 100, 0, 0],
  },
  captured: {
    hold: ['wallet.held', 40, 0, 60],
    release: ['wallet.released', 40, 0, 60],
    capture: ['wallet.captured', 40, 0, 60],
    refund: ['wallet.refunded', 100, 0, 0],
  },
  refunded: {
    hold: ['already_undone', 100, 0, 0],
    release: ['wallet.released', 100, 0, 0],
    capture: ['already_undone', 100, 0, 0],
    refund: ['wallet.refunded', 100, 0, 0],
  },
};

for (const forgotten of [false, true]) {
  for (const [path, row] of Object.entries(table) as [keyof typeof paths, Row][]) {
    if (forgotten && ['none', 'holdForbidden', 'captureForbidden'].includes(path)) continue;
    for (const [step, [answer, ...balances]] of Object.entries(row) as [Step, Row[Step]][]) {
      const when = forgotten ? 'long ago ' : '';
      test(`a hold ${when}${path}: ${step} is answered ${answer} and leaves ${balances.join('/')}`, async (t) => {
        const one = wallet();
        await one.topUp();
        for (const done of paths[path]) await one[done]();
        if (forgotten) {
          one.run.clock.now += 1_000_000;
          one.run.forget();
        }
        const { type, body } = await one[step]();
        t.is(body['reason'] ?? type, answer);
        t.deepEqual(one.balances(), balances);
        addsUp(t, one);
      });
    }
  }
}

function addsUp(t: { deepEqual(a: unknown, b: unknown): unknown }, { run, balances }: Wallet): void {
  const entries = [...run.journal.values()] as unknown as Entry[];
  const sum = (...kinds: string[]) =>
    entries.filter((one) => kinds.includes(one.kind)).reduce((all, one) => all + one.amount, 0);
  const captured = sum('capture') - sum('refund');
  const held = sum('hold') - sum('release', 'capture');
  t.deepEqual(balances(), [sum('top-up') - held - captured, held, captured]);
}

test('a hold is refused for short funds, an unknown customer and another currency, and nothing is written', async (t) => {
  const one = wallet();
  t.is((await one.hold()).body['reason'], 'unknown_customer');
  await one.topUp(59);
  t.is((await one.hold()).body['reason'], 'insufficient_funds');
  const yen = await one.run.tell(contract.hold, { ...ofHold, amount: money(10, 'JPY') });
  t.is(yen.body['reason'], 'currency_mismatch');
  t.deepEqual(one.kinds(), ['top-up']);
});

test('two orders of 60 on 100: exactly one is held', async (t) => {
  const one = wallet();
  await one.topUp(100);
  t.is((await one.hold()).type, 'wallet.held');
  const other = await one.run.tell(contract.hold, { customerId, orderId: 'o2', holdId: 'h2', amount: money(60) });
  t.is(other.body['reason'], 'insufficient_funds');
  t.deepEqual(one.balances(), [40, 60, 0]);
});

test('the same hold again answers the same, another amount under its id is refused', async (t) => {
  const one = wallet();
  await one.topUp(100);
  await one.hold(60);
  t.is((await one.hold(60)).type, 'wallet.held');
  t.is((await one.hold(30)).body['reason'], 'conflicting_hold');
  t.deepEqual(one.balances(), [40, 60, 0]);
});

test('an entry says who, what, how much, for which order and when, under an id that follows from its cause', async (t) => {
  const one = wallet({ now: 7 });
  await one.topUp(100);
  await one.hold(60);
  await one.capture();
  const shared = { customerId, currency: 'EUR', at: 7 } as const;
  const hold = { ...shared, amount: 60, orderId: 'o1', holdId: 'h1' };
  const named = [...one.run.journal.values()].map(({ id: _id, ...entry }) => entry as unknown);
  t.deepEqual(named, [
    { ...shared, entryId: 't1', kind: 'top-up', amount: 100, seq: 1 },
    { ...hold, entryId: 'h1:hold', kind: 'hold', seq: 2 },
    { ...hold, entryId: 'h1:capture', kind: 'capture', seq: 3 },
  ]);
});

test('a capture answers its entry and time, a duplicate under another id the same', async (t) => {
  const one = wallet({ now: 5 });
  await one.topUp();
  await one.hold();
  const { body } = await one.capture();
  t.deepEqual(body, { holdId: 'h1', captureId: 'h1:capture', capturedAt: 5 });
  one.run.clock.now = 9;
  t.deepEqual((await one.capture()).body, body);
  one.run.clock.now += 1_000_000;
  t.deepEqual((await one.capture()).body, body);
});

for (const room of [undefined, NOTHING_KEPT])
  test(`a top-up again by its id changes nothing, ${room ? 'looked up' : 'remembered'}; another amount is refused`, async (t) => {
    const one = wallet(undefined, room);
    await one.topUp(100);
    t.is((await one.topUp(100)).type, 'wallet.topped-up');
    t.is((await one.topUp(99)).body['reason'], 'conflicting_top_up');
    t.deepEqual(one.balances(), [100, 0, 0]);
    t.is(one.run.state!.topUps.length, room ? 0 : 1);
  });

test('a top-up again is known before its entry can be found in the journal', async (t) => {
  const run = runEntity(walletEntity({ findRecords: async () => [] }));
  const topUp = { customerId, topUpId: 't1', amount: money(100) };
  await run.tell(contract.topUp, topUp);
  t.is((await run.tell(contract.topUp, topUp)).type, 'wallet.topped-up');
  t.is(run.state?.available, 100);
});

test('two customers may be topped up under the same id: both have the money, and both an entry', async (t) => {
  const one = wallet();
  await one.topUp(100);
  const { journal } = one.run;
  const bob = runEntity(walletEntity({ findRecords: recordsIn(journal) }));
  const { type } = await bob.tell(contract.topUp, { customerId: 'bob', topUpId: 't1', amount: money(7) });
  t.is(type, 'wallet.topped-up');
  t.is(bob.state?.available, 7);
  const ids = [...journal, ...bob.journal].map(([id]) => id);
  t.is(new Set(ids).size, 2);
});

test('a top-up that is called like the entry of a hold is another entry', async (t) => {
  const one = wallet();
  await one.topUp(100, 'h1:hold');
  await one.hold(60);
  await one.topUp(1, 'h1:capture');
  await one.capture();
  t.deepEqual(one.kinds(), ['top-up', 'hold', 'top-up', 'capture']);
  addsUp(t, one);
});

test('entries from before wallets were told apart are still found', async (t) => {
  const one = wallet(undefined, NOTHING_KEPT);
  await one.topUp(100);
  await one.hold(60);
  await one.capture();
  const before = [...one.run.journal.values()] as unknown as Entry[];
  one.run.journal.clear();
  for (const { entryId, ...entry } of before) one.run.journal.set(entryId!, { ...entry, id: entryId! });
  t.is((await one.topUp(100)).type, 'wallet.topped-up');
  await one.refund();
  t.deepEqual(one.balances(), [100, 0, 0]);
  await one.capture();
  t.deepEqual(one.balances(), [100, 0, 0]);
});

test('a top-up in another currency is refused', async (t) => {
  const one = wallet();
  await one.topUp();
  const { body } = await one.run.tell(contract.topUp, { customerId, topUpId: 't2', amount: money(1, 'USD') });
  t.is(body['reason'], 'currency_mismatch');
});

test('a top-up past the largest exact integer is refused, whether the money lies there, is held or was spent', async (t) => {
  const one = wallet();
  await one.topUp(100);
  await one.hold(60);
  await one.capture();
  const full = Math.floor((Number.MAX_SAFE_INTEGER - 100) / MAX_AMOUNT_MINOR);
  for (let index = 0; index < full; index += 1) await one.topUp(MAX_AMOUNT_MINOR, `big-${index}`);
  const { available, captured } = one.run.state!;
  const room = Number.MAX_SAFE_INTEGER - available - captured;
  t.is((await one.topUp(room + 1, 'over')).body['reason'], 'limit_exceeded');
  t.is((await one.topUp(room, 'exact')).type, 'wallet.topped-up');
  await one.refund();
  t.is(one.run.state!.available, Number.MAX_SAFE_INTEGER);
});

test('an undo mark stays until the deadline of its do, one without a deadline for ever', async (t) => {
  const one = wallet({ now: 0 });
  await one.topUp();
  await one.release({ rememberUntil: 5000 });
  one.run.clock.now = 5000;
  t.is((await one.hold()).body['reason'], 'already_undone');
  one.run.clock.now = 5001;
  await one.topUp(1, 't2');
  t.deepEqual(one.run.state!.holds, []);

  await one.refund();
  one.run.clock.now = 1_000_000_000;
  await one.topUp(1, 't3');
  t.is(one.run.state!.holds.length, 1);
});

test('open holds that left the document count as held, and are captured, released and refused like the others', async (t) => {
  const one = wallet(undefined, NOTHING_KEPT);
  await one.topUp(100);
  await one.hold(60);
  t.deepEqual(one.run.state!.holds, []);
  t.deepEqual(one.run.state!.openElsewhere, { count: 1, amount: 60 });
  t.is((await one.hold(60)).type, 'wallet.held');
  t.is((await one.hold(50)).body['reason'], 'conflicting_hold');
  t.is((await one.refund()).type, 'wallet.refunded');
  t.is((await one.capture()).body['reason'], 'already_undone', 'a capture that was forbidden stays so');
  await one.release();
  t.is(one.run.state!.openElsewhere, undefined);
  t.deepEqual(one.balances(), [100, 0, 0]);
});

test('more open holds than a wallet may have are refused, and one that ends makes room', async (t) => {
  const one = wallet(undefined, { ...NOTHING_KEPT, openElsewhere: 2 });
  await one.topUp(100);
  const hold = (n: number) =>
    one.run.tell(contract.hold, { customerId, orderId: `o${n}`, holdId: `h${n}`, amount: money(1) });
  await hold(1);
  await hold(2);
  t.is((await hold(3)).body['reason'], 'too_many_holds');
  await one.capture();
  t.is((await hold(4)).type, 'wallet.held');
});

test('a wallet that has forgotten nothing asks the journal for no hold', async (t) => {
  const one = wallet();
  await one.topUp();
  await one.hold();
  await one.capture();
  t.is(one.looked.length, 1, 'the top-up');
});

test('a capture that was forgotten before its entry was in the journal is refunded all the same', async (t) => {
  const one = wallet(undefined, NOTHING_KEPT);
  await one.topUp();
  await one.hold();
  await one.capture();
  // The worker died between its commit and the journal; the entry rides in the document.
  const [id, entry] = [...one.run.journal].find(([, { kind }]) => kind === 'capture')!;
  one.run.journal.delete(id);
  t.deepEqual(one.run.state!.holds, [], 'the hold is forgotten');
  await one.refund({ unwritten: [entry] });
  t.deepEqual(one.balances(), [100, 0, 0]);
});

for (const room of [DEFAULT_ROOM, NOTHING_KEPT]) {
  const where = room === NOTHING_KEPT ? ', told by the journal alone' : '';

  test(`a hold over nothing needs no wallet and no currency of one; it is captured and refunded like any other${where}`, async (t) => {
    const one = wallet({ now: 0 }, room);
    await one.hold(0);
    await one.hold(0);
    for (const step of ['capture', 'capture', 'refund', 'refund'] as const) await one[step]();
    t.deepEqual(one.kinds(), ['hold', 'capture', 'refund']);
    t.deepEqual(one.balances(), [0, 0, 0]);
    t.is(one.run.state?.currency, undefined, 'it opens no wallet');
    t.is((await one.hold(0)).body['reason'], 'already_undone');
  });

  test(`a hold over nothing in another currency than the wallet keeps that currency to its end${where}`, async (t) => {
    const one = wallet({ now: 0 }, room);
    const over = (currency: Currency) => one.run.tell(contract.hold, { ...ofHold, amount: money(0, currency) });
    t.is((await over('USD')).type, 'wallet.held');
    await one.topUp();
    t.is((await over('USD')).type, 'wallet.held');
    t.is((await over('EUR')).body['reason'], 'conflicting_hold');
    t.is((await one.release()).type, 'wallet.released');
    t.deepEqual(
      [...one.run.journal.values()].map(({ kind, currency }) => [kind, currency]),
      [
        ['hold', 'USD'],
        ['top-up', 'EUR'],
        ['release', 'USD'],
      ],
    );
    t.deepEqual(one.balances(), [100, 0, 0]);
  });
}

test('a capture that was undone before a hold over nothing came is refused', async (t) => {
  const one = wallet();
  await one.refund();
  await one.hold(0);
  t.is((await one.capture()).body['reason'], 'already_undone');
});
