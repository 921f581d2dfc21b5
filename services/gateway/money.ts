import { type Answer, type Call, ok } from '#shared/web/endpoint.ts';
import { requireCustomer } from './access.ts';
import { opened, sealed } from '#shared/web/cursors.ts';
import type { Gateway } from './gateway.ts';
import { Problem } from '#shared/web/problems.ts';
import { type ListEntries, type TopUp, walletPath } from './schemas.ts';
import { KEPT_MS } from './submit.ts';
import { validate } from '#shared/web/validate.ts';
import { topUp, topUpRefused, toppedUp } from '#services/wallet/contract.ts';
import { inbox } from '#shared/bus/topology/topology.ts';

export function moneyHandlers({ views, requests, submit, clock }: Gateway) {
  return {
    async wallet(call: Call): Promise<Answer> {
      return ok(await walletOf(ownCustomer(call)));
    },

    async entries(call: Call<ListEntries>): Promise<Answer> {
      const customerId = ownCustomer(call);
      const { limit, cursor } = call.query;
      const page = await views.wallets.entries(customerId, { limit, ...opened(['entries', customerId], cursor) });
      if (page.items.length === 0) await walletOf(customerId);
      return ok(sealed(['entries', customerId], page));
    },

    /** Waits for the wallet's answer; after that 202, and the Location tells how it ended. */
    async topUp(call: Call<unknown, TopUp>): Promise<Answer> {
      const customerId = ownCustomer(call);
      validate(walletPath, call.params, 'path');
      const amount = call.body;
      return submit({
        kind: 'top-up',
        needs: [topUp.route],
        subject: call.caller.subject,
        idempotencyKey: call.idempotencyKey,
        same: [customerId, amount],
        compose() {
          const topUpId = clock.id();
          const body = { customerId, topUpId, amount };
          return {
            resourceId: topUpId,
            customerId,
            exchange: inbox(topUp.route),
            message: {
              id: topUpId,
              type: topUp.name,
              key: topUp.key(body),
              body,
              correlationId: topUpId,
              traceparent: call.trace.traceparent,
              rememberUntil: clock.now() + KEPT_MS,
            },
            accepted: {
              status: 202,
              headers: { Location: topUpPath(customerId, topUpId) },
              body: { id: topUpId, customerId, ...amount, state: 'pending' },
            },
          };
        },
        async outcome({ message }) {
          const outcome = await views.wallets.outcome(customerId, message.id);
          if (outcome?.type === topUpRefused.name) {
            const { reason } = topUpRefused.body.parse(outcome.body);
            throw new Problem('invalid-transition', `the wallet refused the top-up: ${reason}`, {
              members: { reason },
            });
          }
          if (outcome?.type !== toppedUp.name) return undefined;
          const wallet = await views.wallets.wallet(customerId);
          if (wallet === undefined) return undefined;
          const headers = { Location: topUpPath(customerId, message.id) };
          return { status: 201, headers, body: { ...wallet, topUpId: message.id } };
        },
      });
    },

    async topUpState(call: Call): Promise<Answer> {
      const customerId = ownCustomer(call);
      const request = await requests.ofResource(call.params['topUpId'] ?? '');
      if (request?.kind !== 'top-up' || request.customerId !== customerId)
        throw new Problem('not-found', 'there is no such top-up');
      const outcome = await views.wallets.outcome(customerId, request.message.id);
      return ok({ ...(request.accepted.body as object), ...stateOf(outcome) });
    },
  };

  async function walletOf(customerId: string): Promise<object> {
    const wallet = await views.wallets.wallet(customerId);
    if (wallet === undefined) throw new Problem('not-found', 'there is no such wallet; the first top-up creates it');
    return wallet;
  }
}

function ownCustomer({ caller, params }: Pick<Call, 'caller' | 'params'>): string {
  const customerId = params['customerId'] ?? '';
  requireCustomer(caller, customerId);
  return customerId;
}

function stateOf(outcome: { readonly type: string; readonly body: unknown } | undefined): object {
  if (outcome?.type === toppedUp.name) return { state: 'done' };
  if (outcome?.type !== topUpRefused.name) return { state: 'pending' };
  return { state: 'refused', reason: topUpRefused.body.parse(outcome.body).reason };
}

function topUpPath(customerId: string, topUpId: string): string {
  return `/v1/wallets/${encodeURIComponent(customerId)}/top-ups/${encodeURIComponent(topUpId)}`;
}
