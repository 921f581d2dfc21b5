import { auditRoutes } from './audit-routes.ts';
import { breakerHandlers } from './breakers.ts';
import { deadLetterRoutes } from './dead-letter-routes.ts';
import { type Endpoint, endpoint } from '#shared/web/endpoint.ts';
import { faultHandlers } from './faults.ts';
import type { Gateway } from './gateway.ts';
import { moneyHandlers } from './money.ts';
import { documented } from '#shared/web/documents.ts';
import { orderHandlers } from './orders.ts';
import * as schemas from './schemas.ts';
import * as shapes from './shapes.ts';
import { workerHandlers } from './workers.ts';

/** Every endpoint. Routing, authentication, validation and the OpenAPI document are all made from this table. */
export function routes(gateway: Gateway): readonly Endpoint[] {
  const orders = orderHandlers(gateway);
  const money = moneyHandlers(gateway);
  const breakers = breakerHandlers(gateway);
  const workers = workerHandlers(gateway);
  const faults = faultHandlers(gateway);

  const api: readonly Endpoint[] = [
    endpoint('POST', '/v1/orders', {
      summary: 'Place an order. 202: accepted, readable at once, and its saga has begun; how it ends is its status.',
      access: 'token',
      body: schemas.placeOrder,
      idempotent: true,
      answers: { 202: shapes.order },
      handle: orders.place,
    }),
    endpoint('GET', '/v1/orders', {
      summary: 'Orders, newest first. An order appears once the order service has taken it.',
      access: 'token',
      query: schemas.listOrders,
      answers: { 200: shapes.orders },
      handle: orders.list,
    }),
    endpoint('GET', '/v1/orders/:orderId', {
      summary: 'One order.',
      access: 'token',
      answers: { 200: shapes.order },
      handle: orders.find,
    }),
    endpoint('GET', '/v1/orders/:orderId/timeline', {
      summary: 'What happened to the order step by step, and what it is waiting for.',
      access: 'token',
      answers: { 200: shapes.timeline },
      handle: orders.timeline,
    }),
    endpoint('POST', '/v1/orders/:orderId/cancel', {
      summary:
        'Undo the order. 202: it is being undone, or was asked to be; 200: it was cancelled before; 409: too late.',
      access: 'token',
      body: schemas.cancelOrder,
      bodyOptional: true,
      idempotent: true,
      answers: { 200: shapes.order, 202: shapes.order },
      handle: orders.cancel,
    }),
    endpoint('GET', '/v1/orders/:orderId/emails', {
      summary: 'The mails about the order: accepted by the mail server, or not yet, with their tries.',
      access: 'token',
      answers: { 200: shapes.emails },
      handle: orders.emails,
    }),
    endpoint('GET', '/v1/payments', {
      summary: 'The payments of an order: one, or none yet.',
      access: 'token',
      query: schemas.ofOrder,
      answers: { 200: shapes.payments },
      handle: orders.payments,
    }),
    endpoint('GET', '/v1/deliveries', {
      summary: 'The delivery of an order: one, or none yet.',
      access: 'token',
      query: schemas.ofOrder,
      answers: { 200: shapes.deliveries },
      handle: orders.deliveries,
    }),
    endpoint('GET', '/v1/wallets/:customerId', {
      summary: 'What a customer has and what is reserved of it.',
      access: 'token',
      answers: { 200: shapes.wallet },
      handle: money.wallet,
    }),
    endpoint('GET', '/v1/wallets/:customerId/entries', {
      summary: 'Every movement of the wallet.',
      access: 'token',
      query: schemas.listEntries,
      answers: { 200: shapes.entries },
      handle: money.entries,
    }),
    endpoint('POST', '/v1/wallets/:customerId/top-ups', {
      summary:
        "Add money to a customer's wallet, as an operator; the first top-up creates it in its currency. 202: not done yet, see Location.",
      access: 'operator',
      body: schemas.topUp,
      idempotent: true,
      answers: { 201: shapes.walletToppedUp, 202: shapes.topUpState },
      handle: money.topUp,
    }),
    endpoint('GET', '/v1/wallets/:customerId/top-ups/:topUpId', {
      summary: 'How a top-up of the last 24 hours ended.',
      access: 'token',
      answers: { 200: shapes.topUpState },
      handle: money.topUpState,
    }),
    endpoint('GET', '/v1/breakers', {
      summary: 'The circuit breaker of every route, as last reported.',
      access: 'operator',
      answers: { 200: shapes.breakers },
      handle: breakers.list,
    }),
    endpoint('GET', '/v1/breakers/:route', {
      summary: 'The circuit breaker of a route, its last transitions and why.',
      access: 'operator',
      answers: { 200: shapes.breaker },
      handle: breakers.find,
    }),
    endpoint('GET', '/v1/breakers/:route/transitions', {
      summary: 'Every transition of the last 90 days, newest first, as far as the database was there to keep it.',
      access: 'operator',
      query: schemas.listTransitions,
      answers: { 200: shapes.transitions },
      handle: breakers.transitions,
    }),
    endpoint('PUT', '/v1/breakers/:route/override', {
      summary: 'Force a state for a time; the breaker counts on underneath. The answer comes when it is applied.',
      access: 'operator',
      body: schemas.overrideBreaker,
      answers: { 200: shapes.breaker },
      handle: breakers.override,
    }),
    endpoint('DELETE', '/v1/breakers/:route/override', {
      summary: 'End the override now.',
      access: 'operator',
      answers: { 200: shapes.breaker },
      handle: breakers.clearOverride,
    }),
    endpoint('GET', '/v1/parked', {
      summary:
        'Messages that expired and wait until their route is closed: since when, how often. By last expiry, oldest first.',
      access: 'operator',
      query: schemas.listParked(gateway.table.routes),
      answers: { 200: shapes.parked },
      handle: breakers.parked,
    }),
    ...(gateway.deadLetters === undefined
      ? []
      : deadLetterRoutes(gateway.deadLetters, gateway.clock, gateway.table.routes)),
    ...(gateway.audits === undefined ? [] : auditRoutes(gateway.audits, gateway.clock)),
    endpoint('GET', '/v1/workers', {
      summary:
        'The processes that work on entities: their partitions, whether they are handing them over, and which services have none.',
      access: 'operator',
      answers: { 200: shapes.workers },
      handle: workers.list,
    }),
    endpoint('GET', '/v1/partitions', {
      summary: 'Every partition: who is to work on it, whom the broker takes, and what waits (both up to 5 s late).',
      access: 'operator',
      answers: { 200: shapes.partitions },
      handle: workers.partitions,
    }),
    endpoint('GET', '/v1/stream', {
      summary: 'What the breakers do, live: server-sent events.',
      access: 'operator',
      produces: 'text/event-stream',
      answers: { 200: shapes.events },
      handle: breakers.events,
    }),
    ...(gateway.faults === undefined
      ? []
      : [
          endpoint('PUT', '/v1/faults/:service', {
            summary: 'Make a service misbehave; `{}`, or DELETE, ends it.',
            access: 'operator',
            body: schemas.faults,
            answers: { 200: shapes.faultsApplied },
            handle: faults.apply,
          }),
          endpoint('GET', '/v1/faults/:service', {
            summary: 'The faults that a service was told to have.',
            access: 'operator',
            answers: { 200: shapes.faultsApplied },
            handle: faults.find,
          }),
          endpoint('DELETE', '/v1/faults/:service', {
            summary: 'Let a service behave again.',
            access: 'operator',
            answers: { 200: shapes.faultsApplied },
            handle: faults.clear,
          }),
        ]),
  ];

  return documented(api);
}
