import test from 'ava';
import fc from 'fast-check';
import * as contract from '#services/stock/contract.ts';
import { isMovement } from '#services/stock/movements.ts';
import { stockEntity, type StockState } from '#services/stock/stock.ts';
import { runEntity } from '#test/support/run-entity.ts';

const sku = 'tea';
const DEADLINE_MS = 1000;

/** What an item that forgets nothing would know. */
interface Order {
  readonly undone: Set<string>;
  isCommitForbidden: boolean;
  reservation?: { readonly of: string; readonly quantity: number; status: 'open' | 'released' | 'sold' | 'returned' };
}

/** The same rules with all memory in the world, in the fewest words. */
function model(onHand: number) {
  const orders = new Map<number, Order>();
  const orderOf = (n: number): Order => {
    const order = orders.get(n) ?? { undone: new Set<string>(), isCommitForbidden: false };
    orders.set(n, order);
    return order;
  };
  const all = () => [...orders.values()].flatMap(({ reservation }) => reservation ?? []);
  const sum = (status: string) => all().reduce((total, one) => total + (one.status === status ? one.quantity : 0), 0);
  const self = {
    onHand,
    reserved: () => sum('open'),
    reserve(n: number, of: string, quantity: number): boolean {
      const order = orderOf(n);
      const before = order.reservation;
      if (order.undone.has(of)) return false;
      if (before?.of === of) return before.status === 'open' || before.status === 'sold';
      if (before !== undefined && before.status !== 'released') return false;
      if (self.onHand - self.reserved() < quantity) return false;
      order.reservation = { of, quantity, status: 'open' };
      return true;
    },
    release(n: number, of: string): void {
      const { undone, reservation } = orderOf(n);
      const mine = reservation?.of === of ? reservation : undefined;
      if (mine?.status === 'sold' || mine?.status === 'returned') return;
      undone.add(of);
      if (mine !== undefined) mine.status = 'released';
    },
    commit(n: number): boolean {
      const { reservation, isCommitForbidden } = orderOf(n);
      if (isCommitForbidden) return false;
      if (reservation?.status === 'open') {
        reservation.status = 'sold';
        self.onHand -= reservation.quantity;
      }
      return reservation?.status === 'sold';
    },
    giveBack(n: number): void {
      const order = orderOf(n);
      if (order.reservation?.status === 'sold') {
        order.reservation.status = 'returned';
        self.onHand += order.reservation.quantity;
      } else if (order.reservation?.status !== 'returned') order.isCommitForbidden = true;
    },
  };
  return self;
}

function stockOf(keptBytes: number) {
  const room = { openBytes: keptBytes, closedBytes: keptBytes };
  return runEntity<StockState>(stockEntity({ room, skewMs: 0 }), { now: 0 });
}
type Run = ReturnType<typeof stockOf>;

/** Tells a step of order `n`; each command has one deadline, whenever its copies and its undo come. */
function teller(run: Run) {
  const deadlines = new Map<string, number>();
  const deadlineOf = (id: string): number => {
    const deadline = deadlines.get(id) ?? run.clock.now + DEADLINE_MS;
    deadlines.set(id, deadline);
    return deadline;
  };
  return async (step: string, n: number, attempt: number, copy: string): Promise<boolean | 'too late'> => {
    const ofOrder = { sku, orderId: `o${n}` };
    const doId = step === 'commit' || step === 'return' ? `o${n}:commit` : `o${n}:reserve#${attempt}`;
    const deadline = deadlineOf(doId);
    const isDo = step === 'reserve' || step === 'commit';
    if (isDo && run.clock.now > deadline) return 'too late';
    const rememberUntil = n % 2 ? { rememberUntil: deadline } : {};
    switch (step) {
      case 'reserve': {
        const body = { ...ofOrder, quantity: 1 + (n % 3), expiresAt: 9e9 };
        return (await run.tell(contract.reserve, body, { id: doId, deadline })).type === contract.reserved.name;
      }
      case 'commit':
        return (await run.tell(contract.commit, ofOrder, { id: doId, deadline })).type === contract.committed.name;
      case 'release':
        await run.tell(contract.release, { ...ofOrder, of: doId }, { id: `${doId}:undo${copy}`, ...rememberUntil });
        return true;
      default:
        await run.tell(contract.returnSold, { ...ofOrder, of: doId }, { id: `${doId}:undo${copy}`, ...rememberUntil });
        return true;
    }
  };
}

function sound(run: Run): boolean {
  const { onHand, reserved, available, movements, openElsewhere, claims } = run.state!;
  const written = [...run.journal.values()].filter(isMovement);
  const sum = (...kinds: readonly string[]) =>
    written.reduce((total, one) => total + (kinds.includes(one.kind) ? one.quantity : 0), 0);
  const open = claims.reduce(
    (total, { reservation }) => total + (reservation?.status === 'open' ? reservation.quantity : 0),
    openElsewhere?.quantity ?? 0,
  );
  return (
    reserved >= 0 &&
    reserved <= onHand &&
    available === onHand - reserved &&
    onHand === sum('received', 'adjusted') - sum('sold') &&
    reserved === sum('reserved') - sum('released', 'sold') &&
    reserved === open &&
    written.length === movements &&
    written.every(({ seq }, index) => seq === index + 1)
  );
}

const steps = ['reserve', 'release', 'commit', 'return'] as const;
const command = fc.record({
  step: fc.constantFrom(...steps, 'reserve' as const, 'adjust' as const, 'forget' as const),
  n: fc.integer({ min: 0, max: 5 }),
  attempt: fc.integer({ min: 1, max: 3 }),
  waitMs: fc.constantFrom(0, 0, 1, 500, 5000),
  copy: fc.constantFrom('', 'b'),
});

test('an item with however little room answers as one that forgets nothing, and its movements add up', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(command, { maxLength: 80 }),
      fc.constantFrom(0, 250, 600, 100_000),
      async (commands, keptBytes) => {
        const run = stockOf(keptBytes);
        const tell = teller(run);
        await run.tell(contract.open, { sku, quantity: 5 });
        const expected = model(5);
        for (const [index, { step, n, attempt, waitMs, copy }] of commands.entries()) {
          run.clock.now += waitMs;
          if (step === 'forget') run.forget();
          else if (step === 'adjust') {
            const delta = n % 2 ? 1 + n : -1 - n;
            const isPossible = expected.onHand + delta >= expected.reserved();
            const body = { sku, adjustmentId: `a${index}`, delta, reason: 'counted' };
            const { type } = await run.tell(contract.adjust, body);
            t.is(type, isPossible ? contract.adjusted.name : contract.adjustRefused.name);
            if (isPossible) expected.onHand += delta;
          } else {
            const forgotten = commands.slice(0, index).findLastIndex((one) => one.step === 'forget');
            const doId = `${step}-${n}-${attempt}`;
            const isKnown = commands
              .slice(forgotten + 1, index)
              .some((one) => `${one.step}-${one.n}-${step === 'commit' ? attempt : one.attempt}` === doId);
            const answer = await tell(step, n, attempt, copy);
            if (answer !== 'too late' && !((step === 'reserve' || step === 'commit') && isKnown)) {
              const of = `o${n}:reserve#${attempt}`;
              if (step === 'reserve') t.is(answer, expected.reserve(n, of, 1 + (n % 3)), `reserve ${of}`);
              else if (step === 'commit') t.is(answer, expected.commit(n), `commit ${n}`);
              else if (step === 'release') expected.release(n, of);
              else expected.giveBack(n);
            }
          }
          t.true(sound(run));
          t.deepEqual([run.state!.onHand, run.state!.reserved], [expected.onHand, expected.reserved()]);
        }
      },
    ),
    { numRuns: 400 },
  );
});

test('any permutation of reserve, commit and their undos, with copies, leaves the item as it was', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...steps), { maxLength: 6 }).chain((more) => {
        const all = [...steps, ...more];
        return fc.shuffledSubarray(all, { minLength: all.length });
      }),
      fc.constantFrom(0, 100_000),
      fc.array(fc.boolean(), { minLength: 10, maxLength: 10 }),
      async (sequence, keptBytes, forgets) => {
        const run = stockOf(keptBytes);
        const tell = teller(run);
        await run.tell(contract.open, { sku, quantity: 5 });
        for (const [index, step] of sequence.entries()) {
          if (forgets[index]) run.forget();
          await tell(step, 1, 1, '');
        }
        t.deepEqual([run.state!.onHand, run.state!.reserved], [5, 0]);
      },
    ),
    { numRuns: 400 },
  );
});

test('orders side by side never get more than there is', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 12 }),
      fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 30 }),
      async (quantity, wanted) => {
        const run = stockOf(300);
        await run.tell(contract.open, { sku, quantity });
        let got = 0;
        for (const [n, each] of wanted.entries()) {
          const { type } = await run.tell(contract.reserve, { sku, orderId: `o${n}`, quantity: each, expiresAt: 9 });
          if (type === contract.reserved.name) got += each;
          else t.true(quantity - got < each, 'it is refused only when there is too little');
        }
        t.true(got <= quantity);
        t.is(run.state!.reserved, got);
      },
    ),
    { numRuns: 100 },
  );
});
