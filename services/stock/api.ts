import { z } from 'zod';
import { adjust, adjusted, adjustRefused, stockItem, type StockLevel } from './contract.ts';
import { adjusting, adjustmentBody, levelBody, setting } from './changing.ts';
import { adjustmentShape, levelShape, movementShape, reservationShape } from './shapes.ts';
import { type StockQueries, stockView } from './view.ts';
import { sku as skuField } from '#services/fields.ts';
import { defineApi } from '#shared/web/api.ts';
import { opened, sealed } from '#shared/web/cursors.ts';
import { type Call, endpoint, ok, type Tag } from '#shared/web/endpoint.ts';
import { answerLookup } from '#shared/web/lookup.ts';
import { page } from '#shared/web/parameters.ts';
import { etagOf } from '#shared/web/preconditions.ts';
import { Problem } from '#shared/web/problems.ts';
import { listOf, shape } from '#shared/web/shapes.ts';
import { validate } from '#shared/web/validate.ts';

const stockTag: Tag = { name: 'Stock', description: 'How much there is of each product, and for whom it is kept.' };

const params = { sku: 'Of what.' };
const skuPath = z.object({ sku: skuField });
const belowAvailable = z
  .string()
  .regex(/^[0-9]{1,10}$/, 'must be a whole number')
  .transform(Number)
  .pipe(z.int().min(0))
  .optional()
  .describe('Only items of which less is available.');
const adjustedShape = levelShape.extend({
  id: z.string().describe('The id of the adjustment.'),
  delta: z.int().describe('By how much.'),
  reason: z.string().describe('Why.'),
});
const pendingLevel = shape({
  sku: z.string().describe('Of what.'),
  onHand: z.int().describe('What was asked for.'),
  state: z.literal('pending').describe('Not decided yet.'),
});

export const stockApi = defineApi({
  view: stockView,
  commands: [adjust.route],
  lookups: (stock) => [answerLookup(stockItem, (sku) => stock.item(sku))],
  endpoints: (stock, door) => [
    endpoint('GET', '/v1/stock', {
      id: 'listStock',
      tag: stockTag,
      summary: 'What there is of each product, by SKU.',
      access: 'token',
      query: page.extend({ belowAvailable }),
      answers: { 200: listOf(levelShape) },
      async handle({ query: { limit, cursor, belowAvailable: below } }) {
        const scope = ['stock', below ?? null];
        const found = await stock.items({ limit, ...opened(scope, cursor), belowAvailable: below });
        return ok(sealed(scope, found));
      },
    }),
    endpoint('GET', '/v1/stock/:sku', {
      id: 'getStock',
      tag: stockTag,
      summary: 'What there is of a product.',
      params,
      access: 'token',
      headers: { 200: ['ETag'] },
      answers: { 200: levelShape },
      async handle(call) {
        const level = await levelOf(stock, call);
        return { ...ok(level), headers: { ETag: etagOf(level.version) } };
      },
    }),
    endpoint('PUT', '/v1/stock/:sku', {
      id: 'setStock',
      tag: stockTag,
      summary: 'Say how many there are, as an operator.',
      description: 'Refused when anything has changed since the ETag was read, or when more is reserved.',
      params,
      access: 'operator',
      body: levelBody,
      ifMatch: true,
      example: { onHand: 100 },
      headers: { 200: ['ETag'], 202: ['Location'] },
      problems: ['not-found', 'stock-negative', 'precondition-failed', 'breaker-open', 'outcome-unknown'],
      answers: { 200: levelShape, 202: pendingLevel },
      handle: (call) => door.submit(setting(skuOf(call), call, door, stock)),
    }),
    endpoint('POST', '/v1/stock/:sku/adjustments', {
      id: 'adjustStock',
      tag: stockTag,
      summary: 'Add to what there is, or take away, as an operator.',
      description: '201: done; 202: not done yet, see Location.',
      params,
      access: 'operator',
      body: adjustmentBody,
      idempotent: true,
      example: { delta: 20, reason: 'delivered' },
      headers: { 201: ['Location', 'ETag'], 202: ['Location'] },
      problems: ['not-found', 'stock-negative', 'invalid-transition'],
      answers: { 201: adjustedShape, 202: adjustmentShape },
      handle: (call) => door.submit(adjusting(skuOf(call), call, door, stock)),
    }),
    endpoint('GET', '/v1/stock/:sku/adjustments/:adjustmentId', {
      id: 'getAdjustment',
      tag: stockTag,
      summary: 'How an adjustment of the last 24 hours ended.',
      params: { ...params, adjustmentId: 'The id that asking for the adjustment answered.' },
      access: 'operator',
      answers: { 200: adjustmentShape },
      async handle(call) {
        const sku = skuOf(call);
        const request = await door.accepted(call.params['adjustmentId'] ?? '');
        if (request?.kind !== 'stock-adjustment' || request.message.key !== sku)
          throw new Problem('not-found', 'there is no such adjustment');
        const answer = await stock.outcome(sku, request.message.id);
        return ok({ ...(request.accepted.body as object), ...stateOf(answer?.type) });
      },
    }),
    endpoint('GET', '/v1/stock/:sku/movements', {
      id: 'listMovements',
      tag: stockTag,
      summary: 'Every movement of a product, newest first, for operators.',
      params,
      access: 'operator',
      query: page,
      answers: { 200: listOf(movementShape) },
      handle: (call) => listed(call, 'movements', (sku, query) => stock.movements(sku, query)),
    }),
    endpoint('GET', '/v1/stock/:sku/reservations', {
      id: 'listReservations',
      tag: stockTag,
      summary: 'For which orders something is kept, by order, for operators.',
      params,
      access: 'operator',
      query: page,
      answers: { 200: listOf(reservationShape) },
      handle: (call) => listed(call, 'reservations', (sku, query) => stock.reservations(sku, query)),
    }),
  ],
});

/** A page of what belongs to an item; of one that is not there a problem. */
async function listed(
  call: Call<z.output<typeof page>>,
  what: string,
  read: (
    sku: string,
    query: { limit: number; cursor?: string },
  ) => ReturnType<StockQueries['movements' | 'reservations']>,
) {
  const sku = skuOf(call);
  const { limit, cursor } = call.query;
  const found = await read(sku, { limit, ...opened([what, sku], cursor) });
  return ok(sealed<object>([what, sku], found));
}

async function levelOf(stock: StockQueries, call: Call): Promise<StockLevel> {
  const level = await stock.item(skuOf(call));
  if (level === undefined) throw new Problem('not-found', 'no stock of it is kept');
  return level;
}

function skuOf({ params: given }: Pick<Call, 'params'>): string {
  return validate(skuPath, given, 'path').sku;
}

function stateOf(type: string | undefined): object {
  if (type === adjusted.name) return { state: 'done' };
  return { state: type === adjustRefused.name ? 'refused' : 'pending' };
}
