import type { Connection } from 'mongoose';
import { PLAIN } from './contract.ts';
import type { Scripts } from './scripts/contract.ts';
import { createScripts } from './scripts/scripts.ts';
import { createSources } from './sources.ts';
import { orders, placedOrder } from '#services/order/contract.ts';
import { type AuditSource, defineAudit, found } from '#shared/audit-rule.ts';
import type { AuditedThing } from '#shared/audited-thing.ts';
import { reasonOf } from '#shared/errors.ts';

/** What recomputing the lines of an order that strategies priced has shown. */
export interface Recomputed {
  readonly orderId: string;
  readonly wrong: readonly string[];
}

/**
 * What an order is charged for each line is what the strategy that the line names computes from its price and quantity. Recomputing
 * runs scripts, so an order with such lines always looks wrong at first, and is recomputed when it is looked at again.
 */
export const pricingAudit = defineAudit<Recomputed>({
  of: orders,
  rows: recomputedLines,
  about: ({ orderId }) => orderId,
  document: ({ orderId }) => `orders/${orderId}`,
  checks: ['priced'],
  check([recomputed], thing) {
    if (pricedLines(thing).length === 0) return [];
    return found('priced', recomputed?.wrong ?? ['its lines are not recomputed yet']);
  },
});

function pricedLines({ told }: Pick<AuditedThing, 'told'>) {
  return (told(placedOrder)?.items ?? []).flatMap(({ sku, quantity, priced }) =>
    priced === undefined ? [] : [{ sku, quantity, ...priced }],
  );
}

function recomputedLines(db: Connection): AuditSource<Recomputed> {
  return {
    async *pages() {},
    async of(_, known) {
      const some = known.filter((thing) => pricedLines(thing).length > 0);
      const versions = some.flatMap((thing) => pricedLines(thing).map(({ pricedBy }) => pricedBy));
      if (versions.length === 0) return [];
      const texts = await createSources(db).read(versions);
      const scripts = createScripts();
      try {
        return await Promise.all(some.map((thing) => recomputed(thing, texts, scripts)));
      } finally {
        await scripts.close();
      }
    },
  };
}

/** `texts`: of the versions that its lines name. */
export async function recomputed(
  thing: Pick<AuditedThing, 'id' | 'told'>,
  texts: ReadonlyMap<string, string>,
  scripts: Pick<Scripts, 'call'>,
): Promise<Recomputed> {
  const wrong: string[] = [];
  for (const { sku, quantity, unitPrice, amount, pricedBy: version } of pricedLines(thing)) {
    const source = texts.get(version);
    const price = unitPrice.amount;
    const now =
      version === PLAIN.version
        ? quantity * price
        : source === undefined
          ? 'nothing, because its text is not there'
          : await scripts.call({ source, version }, [{ quantity, price }]).then(([one]) => one, reasonOf);
    if (now !== amount) wrong.push(`${quantity} of ${sku} at ${price} cost ${amount}, by version ${version} ${now}`);
  }
  return { orderId: thing.id, wrong };
}
