import { z } from 'zod';
import { topUp, topUpRefused, toppedUp } from './contract.ts';
import { topUpBody, toppingUp } from './topping-up.ts';
import { entryShape, walletShape, type WalletQueries, type WalletView, walletView } from './view.ts';
import { requireCustomer } from '#services/access.ts';
import * as fields from '#services/fields.ts';
import { currency, exactMoney } from '#services/money.ts';
import { defineApi } from '#shared/web/api.ts';
import { opened, sealed } from '#shared/web/cursors.ts';
import { type Call, endpoint, ok, type Tag } from '#shared/web/endpoint.ts';
import { page } from '#shared/web/parameters.ts';
import { Problem } from '#shared/web/problems.ts';
import { listOf, shape } from '#shared/web/shapes.ts';
import { validate } from '#shared/web/validate.ts';

const walletsTag: Tag = { name: 'Wallets', description: "Customers' money." };

/** A top-up creates a wallet: its name is held to what an order's customer is. */
const walletPath = z.object({ customerId: fields.customerId });

const TOP_UP = '0193f7a0-5a5a-7000-8000-0000c0ffee01';
const topUpState = shape({
  id: z.string().describe('The id of the top-up.'),
  customerId: z.string().describe('Whose wallet.'),
  amount: exactMoney.shape.amount.describe('Whole minor units.'),
  currency: currency.describe('ISO 4217.'),
  state: z.enum(['pending', 'done', 'refused']).describe('How it ended.'),
  reason: z.string().optional().describe('Why it was refused.'),
}).meta({ examples: [{ id: TOP_UP, customerId: 'alice', amount: 5000, currency: 'EUR', state: 'done' }] });
const walletToppedUp = walletShape.extend({ topUpId: z.string().describe('The id of the top-up.') }).meta({
  examples: [
    {
      customerId: 'alice',
      available: { amount: 5000, currency: 'EUR' },
      held: { amount: 0, currency: 'EUR' },
      topUpId: TOP_UP,
    },
  ],
});

export const walletApi = defineApi({
  view: walletView,
  commands: [topUp.route],
  endpoints: (wallets, door) => [
    endpoint('GET', '/v1/wallets/:customerId', {
      id: 'getWallet',
      tag: walletsTag,
      summary: 'What a customer has and what is reserved of it.',
      params: { customerId: 'Whose wallet.' },
      access: 'token',
      answers: { 200: walletShape },
      handle: async (call) => ok(await walletOf(wallets, ownCustomer(call))),
    }),
    endpoint('GET', '/v1/wallets/:customerId/entries', {
      id: 'listEntries',
      tag: walletsTag,
      summary: 'Every movement of the wallet, newest first.',
      params: { customerId: 'Whose wallet.' },
      access: 'token',
      query: page,
      answers: { 200: listOf(entryShape) },
      async handle(call) {
        const customerId = ownCustomer(call);
        const { limit, cursor } = call.query;
        const entries = await wallets.entries(customerId, { limit, ...opened(['entries', customerId], cursor) });
        if (entries.items.length === 0) await walletOf(wallets, customerId);
        return ok(sealed(['entries', customerId], entries));
      },
    }),
    endpoint('POST', '/v1/wallets/:customerId/top-ups', {
      id: 'topUp',
      tag: walletsTag,
      summary: "Add money to a customer's wallet, as an operator.",
      description: 'The first top-up creates the wallet in its currency. 201: done; 202: not done yet, see Location.',
      params: { customerId: 'Whose wallet.' },
      access: 'operator',
      body: topUpBody,
      idempotent: true,
      headers: { 201: ['Location'], 202: ['Location'] },
      example: { amount: 5000, currency: 'EUR' },
      answers: { 201: walletToppedUp, 202: topUpState },
      /** Waits for the wallet's answer; after that 202, and the Location tells how it ended. */
      async handle(call) {
        const customerId = ownCustomer(call);
        validate(walletPath, call.params, 'path');
        return door.submit(toppingUp(customerId, call, door, wallets));
      },
    }),
    endpoint('GET', '/v1/wallets/:customerId/top-ups/:topUpId', {
      id: 'getTopUp',
      tag: walletsTag,
      summary: 'How a top-up of the last 24 hours ended.',
      params: { customerId: 'Whose wallet.', topUpId: 'The id that asking for the top-up answered.' },
      access: 'token',
      answers: { 200: topUpState },
      async handle(call) {
        const customerId = ownCustomer(call);
        const request = await door.accepted(call.params['topUpId'] ?? '');
        if (request?.kind !== 'top-up' || request.customerId !== customerId)
          throw new Problem('not-found', 'there is no such top-up');
        const answer = await wallets.outcome(customerId, request.message.id);
        return ok({ ...(request.accepted.body as object), ...stateOf(answer) });
      },
    }),
  ],
});

async function walletOf(wallets: WalletQueries, customerId: string): Promise<WalletView> {
  const wallet = await wallets.wallet(customerId);
  if (wallet === undefined) throw new Problem('not-found', 'there is no such wallet; the first top-up creates it');
  return wallet;
}

function ownCustomer({ caller, params }: Pick<Call, 'caller' | 'params'>): string {
  const customerId = params['customerId'] ?? '';
  requireCustomer(caller, customerId);
  return customerId;
}

function stateOf(answer: { readonly type: string; readonly body: unknown } | undefined): object {
  if (answer?.type === toppedUp.name) return { state: 'done' };
  if (answer?.type !== topUpRefused.name) return { state: 'pending' };
  return { state: 'refused', reason: topUpRefused.body.parse(answer.body).reason };
}
