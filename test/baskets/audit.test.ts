import test from 'ava';
import { BUY_ONE_GET_ONE } from './market.ts';
import { recomputed } from '#services/pricing/audit.ts';
import { placedOrder } from '#services/order/contract.ts';
import { createScriptsInPlace } from '#services/pricing/scripts/scripts-in-place.ts';
import type { AuditFact } from '#shared/audited-thing.ts';

test('each line of an order is recomputed from the version that it names; another amount, or a text that is gone, is told', async (t) => {
  const scripts = await createScriptsInPlace();
  const version = scripts.versionOf(BUY_ONE_GET_ONE);
  const texts = new Map([[version, BUY_ONE_GET_ONE]]);
  const line = (sku: string, quantity: number, amount: number, by: string) => ({
    sku,
    quantity,
    priced: { unitPrice: { amount: 311, currency: 'EUR' }, amount, pricedBy: by },
  });
  const wrongIn = async (...items: readonly object[]) => {
    const told = <Fact>({ name }: AuditFact<Fact>) => (name === placedOrder.name ? ({ items } as Fact) : undefined);
    return (await recomputed({ id: 'o1', told }, texts, scripts)).wrong;
  };
  t.deepEqual(
    await wrongIn(line('GR1', 3, 622, version), line('MF1', 2, 622, 'plain'), { sku: 'tea', quantity: 1 }),
    [],
  );
  t.deepEqual(await wrongIn(line('GR1', 3, 621, version)), [`3 of GR1 at 311 cost 621, by version ${version} 622`]);
  t.is((await wrongIn(line('MF1', 2, 1, 'plain'))).length, 1);
  t.regex((await wrongIn(line('GR1', 3, 622, 'gone')))[0]!, /text is not there/);
});
