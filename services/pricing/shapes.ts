import { z } from 'zod';
import { money } from '#services/money.ts';
import { named, shape, time } from '#shared/web/shapes.ts';

const sku = z.string().describe('Of which product.');
const supermarket = z.string().optional().describe('In which supermarket; absent: in all that have none of their own.');
const name = z.string().describe('What people call it.');
const version = z.string().describe('The hash of its text.');

export const activeShape = shape({ name, version });

const warnings = z.array(z.string()).readonly().describe('What is allowed, and perhaps not meant.');

/** What a change of a strategy answers. */
export const strategyPutShape = named(
  'StrategyVersion',
  shape({
    sku,
    supermarket,
    name,
    version,
    since: time.describe('Since when it is active.'),
    warnings: warnings.optional(),
  }).meta({
    examples: [
      {
        sku: 'GR1',
        supermarket: 'north',
        name: 'buy one get one',
        version: '6f1ed002ab5595859014ebf0951522d9',
        since: '2026-11-28T13:00:00.000Z',
      },
    ],
  }),
);

export const strategyShape = named(
  'Strategy',
  shape({
    sku,
    supermarket,
    active: activeShape.describe('What prices it now; `plain`: quantity x price.'),
    versions: z
      .array(
        shape({
          name,
          version,
          isActive: z.boolean().describe('It prices now.'),
          since: time.describe('When it was activated last.'),
          by: z.string().describe('Whose act that was.'),
          source: z.string().optional().describe('Its text; absent for `plain`.'),
        }),
      )
      .readonly()
      .describe('The latest twenty, that which was activated last first.'),
  }).meta({
    examples: [
      {
        sku: 'GR1',
        active: { name: 'buy one get one', version: '6f1ed002ab5595859014ebf0951522d9' },
        versions: [
          {
            name: 'buy one get one',
            version: '6f1ed002ab5595859014ebf0951522d9',
            isActive: true,
            since: '2026-11-28T13:00:00.000Z',
            by: 'root',
            source: 'export default ({ quantity, price }) => Math.ceil(quantity / 2) * price;',
          },
        ],
      },
    ],
  }),
);
export type StrategyView = z.infer<typeof strategyShape>;

export const supermarketShape = named(
  'Supermarket',
  shape({
    id: z.string().describe('Names it.'),
    currency: z.string().optional().describe('That of its own prices; absent: it has none.'),
  }).meta({ examples: [{ id: 'north', currency: 'EUR' }] }),
);
export type SupermarketView = z.infer<typeof supermarketShape>;

export const priceShape = shape({
  supermarketId: z.string().describe('Where it counts.'),
  sku,
  price: money.describe('Of one.'),
});
export const ownPriceShape = shape({ sku, price: money.describe('Of one.') });
export const pendingShape = shape({
  sku,
  state: z.literal('pending').describe('It was not decided in time: read it again.'),
});

export const triedShape = shape({
  version,
  amounts: z.array(z.number()).readonly().describe('Of each case, minor units.'),
  microseconds: z.array(z.number()).readonly().describe('The processor time of each call.'),
  warnings,
});
