import test from 'ava';
import { calculateObjectSize } from 'bson';
import { recordsIn } from '#test/support/records.ts';
import * as fields from '#services/fields.ts';
import * as contract from '#services/wallet/contract.ts';
import type { Entry } from '#services/wallet/ledger.ts';
import { walletEntity, type WalletState } from '#services/wallet/wallet.ts';
import { runOf } from '#shared/entity/entity.ts';
import type { JournalRecord } from '#shared/entity/entity.ts';
import type { CommandType } from '#shared/message.ts';

const customerId = 'c'.repeat(fields.MAX_CUSTOMER_BYTES);
const ONE = { amount: 1, currency: 'EUR' } as const;
/** Less than half of what a document may have, so that there is room for ids, answers and entries. */
const MAX_STATE_BYTES = 28_000;

/** A wallet that is told very much: nothing is checked or copied that the entity does not do itself. */
function busyWallet() {
  const journal = new Map<string, JournalRecord>();
  const entity = walletEntity({ findRecords: recordsIn(journal) });
  const clock = { now: 1_700_000_000_000 };
  let state: WalletState | undefined;
  let messages = 0;
  let largest = 0;

  async function tell<Body>(type: CommandType<Body>, body: Body, rememberUntil?: number): Promise<string> {
    messages += 1;
    const message = {
      id: `m${messages}`,
      type: type.name,
      key: customerId,
      body,
      correlationId: 'o',
      replyTo: { route: 'saga', key: 'o' },
      ...(rememberUntil !== undefined && { rememberUntil }),
    };
    const { context, answered } = runOf({
      route: 'wallet',
      message,
      now: clock.now,
      attempt: 1,
      unwritten: [],
      signal: () => new AbortController().signal,
    });
    const handler = entity.handlers.find((one) => one.type.name === type.name)!;
    const result = await handler.handle(state, body, context);
    ({ state } = result);
    for (const record of result.journal ?? []) journal.set(record.id, record);
    if (messages % 50 === 0) largest = Math.max(largest, calculateObjectSize(state));
    const answer = answered()!;
    return (answer.body as { readonly reason?: string }).reason ?? answer.type;
  }

  return {
    tell,
    clock,
    journal,
    state: () => state!,
    largest: () => largest,
    open: (amount = 1_000_000_000) =>
      tell(contract.topUp, { customerId, topUpId: 'first', amount: { ...ONE, amount } }),
  };
}

const ofHold = (n: number) => {
  const orderId = `${n}`.padStart(fields.MAX_ID_BYTES, 'o');
  return { customerId, orderId, holdId: contract.holdIdOf(orderId) };
};

test('300 orders a second, each open for three seconds, at the longest ids: the wallet stays small and knows each of them', async (t) => {
  const wallet = busyWallet();
  await wallet.open();
  const orders = 6000;
  const openAtOnce = 900;
  for (let n = 0; n < orders + openAtOnce; n += 1) {
    wallet.clock.now += 1000 / 300;
    const hold = ofHold(n);
    if (n < orders) t.is(await wallet.tell(contract.hold, { ...hold, amount: ONE }), 'wallet.held');
    const before = ofHold(n - openAtOnce);
    if (n >= openAtOnce && n % 3 > 0) t.is(await wallet.tell(contract.capture, before), 'wallet.captured');
    if (n >= openAtOnce && n % 3 === 0)
      t.is(await wallet.tell(contract.release, { ...before, of: 'x' }), 'wallet.released');
  }
  t.true(wallet.largest() < MAX_STATE_BYTES, `${wallet.largest()} bytes`);
  const { held, captured, openElsewhere, entries } = wallet.state();
  t.deepEqual([held, openElsewhere, entries], [0, undefined, 1 + 2 * orders]);
  const written = [...wallet.journal.values()] as unknown as Entry[];
  t.is(written.length, entries, 'nothing but movements is in the journal');
  t.is(captured, written.filter(({ kind }) => kind === 'capture').length);

  wallet.clock.now += 3_600_000;
  const late = ofHold(0);
  t.is(await wallet.tell(contract.hold, { ...late, amount: ONE }), 'already_undone', 'it was released an hour ago');
  t.is(await wallet.tell(contract.capture, ofHold(1)), 'wallet.captured');
  t.is(wallet.state().captured, captured, 'and not once more');
});

test('undos of holds that never were, by the thousand and for ever: the wallet stays small and refuses each late do', async (t) => {
  const wallet = busyWallet();
  await wallet.open();
  for (let n = 0; n < 4000; n += 1) {
    const undo = n % 2 ? contract.release : contract.refundToWallet;
    await wallet.tell(undo, { ...ofHold(n), of: 'x' }, n % 4 < 2 ? undefined : Number.MAX_SAFE_INTEGER);
  }
  t.true(wallet.largest() < MAX_STATE_BYTES, `${wallet.largest()} bytes`);
  for (const n of [0, 1, 2, 3, 1998, 1999, 3998, 3999]) {
    const answer = await wallet.tell(contract.hold, { ...ofHold(n), amount: ONE });
    if (n % 2) t.is(answer, 'already_undone');
    else t.is(await wallet.tell(contract.capture, ofHold(n)), 'already_undone');
  }
  t.is(wallet.state().captured, 0);
});

test('top-ups under ever new ids: the wallet stays small and credits none of them twice', async (t) => {
  const wallet = busyWallet();
  const topUp = (n: number) =>
    wallet.tell(contract.topUp, { customerId, topUpId: `${n}`.padStart(fields.MAX_ID_BYTES, 't'), amount: ONE });
  for (let n = 0; n < 4000; n += 1) await topUp(n);
  for (const n of [0, 1, 2000, 3999]) t.is(await topUp(n), 'wallet.topped-up');
  t.true(wallet.largest() < MAX_STATE_BYTES, `${wallet.largest()} bytes`);
  t.is(wallet.state().available, 4000);
});
