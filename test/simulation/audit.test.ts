/** The product's audit over simulated towns: no false alarm in the middle of everything that goes wrong, nor at rest. */
import test from 'ava';
import { simulate } from './simulate.ts';
import type { SimulatedTown } from './town.ts';
import { audit } from '#services/audit/audit.ts';
import { createFindings, type AuditReport } from '#services/audit/report.ts';
import { auditNames, auditSources } from '#services/audit/sources.ts';
import { services } from '#services/services.ts';
import { clockFrom } from '#shared/clock.ts';
import { connectionTo } from '#test/town/connection.ts';

const SEEDS = 12;
/** A simulated saga may take this long in all its trouble. */
const HANGING_MS = 45 * 60_000;

async function auditOf(town: SimulatedTown, now: number, hangingAfterMs: number): Promise<AuditReport> {
  const findings = createFindings(10, auditNames(services));
  const clock = clockFrom({
    now: () => now,
    elapsed: () => now,
    after: (_, run) => (run(), () => {}),
    soon: (run) => run(),
    random: () => 0,
  });
  const sources = auditSources(connectionTo(town.homes, town.strategyTexts), services);
  await audit({ sources, clock, pageSize: 20 }, { hangingAfterMs, graceMs: 1 }, findings, new AbortController().signal);
  return findings.report();
}

function pricedOrders(town: SimulatedTown) {
  return [...town.orders.documents.values()].filter(
    ({ state }) => state !== undefined && state.status !== 'unplaced' && (state.details.priced ?? []).length > 0,
  );
}

test(`${SEEDS} simulated towns, audited while everything goes wrong and at rest: no false alarm`, async (t) => {
  let [orders, open, priced] = [0, 0, 0];
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    await simulate(seed, undefined, async (town, now, isAtRest) => {
      const { items, checked } = await auditOf(town, now, isAtRest ? 0 : HANGING_MS);
      t.deepEqual(items, [], `seed ${seed}`);
      orders += checked['orders'] ?? 0;
      priced += pricedOrders(town).length;
      open += [...town.sagas.documents.values()].filter(({ state }) => state?.phase !== 'ended').length;
    });
  }
  t.true(open > 0, 'some were on their way');
  t.true(priced > 0, 'some have lines that a strategy priced');
  t.log(`${orders} orders audited, ${open} of them on their way, ${priced} priced by strategies`);
});

test('a delivery that was forgotten in a simulated town is found', async (t) => {
  let found: readonly string[] = [];
  await simulate(1, undefined, async (town, now, isAtRest) => {
    if (!isAtRest) return;
    const completed = [...town.orders.documents.values()].find(({ state }) => state?.status === 'completed')!;
    const documents = new Map(town.deliveries.documents);
    documents.delete(completed.key);
    const homes = new Map(town.homes).set('delivery', { ...town.deliveries, documents });
    const { items } = await auditOf({ ...town, homes }, now, 0);
    found = items.map(({ check, orderId }) => `${check} ${orderId === completed.key}`);
  });
  t.deepEqual(found, ['completed true']);
});

test('a line of a basket that is charged otherwise than its version computes is found in a simulated town', async (t) => {
  let found: readonly string[] = [];
  await simulate(1, undefined, async (town, now, isAtRest) => {
    if (!isAtRest) return;
    const order = structuredClone(pricedOrders(town)[0]!);
    if (order.state?.status === 'unplaced') return;
    (order.state!.details.priced![0] as { amount: number }).amount += 1;
    const documents = new Map(town.orders.documents).set(order.key, order);
    const homes = new Map(town.homes).set('order', { ...town.orders, documents });
    const { items } = await auditOf({ ...town, homes }, now, 0);
    found = items.map(({ check, orderId }) => `${check} ${orderId === order.key}`);
  });
  t.deepEqual(found, ['priced true']);
});
