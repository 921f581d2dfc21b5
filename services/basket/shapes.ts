import { z } from 'zod';
import { money } from '#services/money.ts';
import { named, shape } from '#shared/web/shapes.ts';

const lineShape = shape({
  sku: z.string().describe('Which product.'),
  quantity: z.int().describe('How many, of all items together.'),
  unitPrice: money.describe('Of one, before any strategy.'),
  amount: z.int().min(0).describe('What all of them cost, whole minor units.'),
  strategy: shape({
    name: z.string().describe('What people call it; `plain`: quantity x price.'),
    version: z.string().describe('The hash of its text.'),
  }).describe('What computed the amount.'),
});
const priced = {
  total: money.describe('The exact sum of the lines.'),
  lines: z.array(lineShape).readonly().describe('Each product once, in the order of their SKUs.'),
  traceId: z.string().describe('Names the request in the logs of all who took part in it.'),
};
const line = {
  sku: 'GR1',
  quantity: 2,
  unitPrice: { amount: 311, currency: 'EUR' },
  amount: 311,
  strategy: { name: 'buy one get one', version: '6f1ed002ab5595859014ebf0951522d9' },
} as const;
const example = { total: { amount: 311, currency: 'EUR' }, lines: [line], traceId: '4bf92f3577b34da6a3ce929d0e0e4736' };

export const pricedShape = named('PricedBasket', shape(priced).meta({ examples: [example] }));
export const keptShape = named(
  'KeptBasket',
  shape({
    supermarketId: z.string().describe('Where.'),
    userId: z.string().describe('Whose.'),
    ...priced,
  }).meta({ examples: [{ supermarketId: 'north', userId: 'alice', ...example }] }),
);
export const contentShape = shape({
  supermarketId: z.string().describe('Where.'),
  userId: z.string().describe('Whose.'),
  items: z
    .array(shape({ sku: z.string().describe('Which product.'), quantity: z.int().describe('How many.') }))
    .readonly()
    .describe('What is in it now.'),
});
export const pendingShape = shape({
  supermarketId: z.string().describe('Where.'),
  userId: z.string().describe('Whose.'),
  state: z.literal('pending').describe('It was not decided in time: read the basket again.'),
});
export const orderedShape = shape({
  id: z.string().describe('The order.'),
  status: z.string().describe('How far it is.'),
  total: money.describe('What it is charged: what the basket showed.'),
});
