import { z } from 'zod';
import { topUp, topUpRefused, toppedUp } from './contract.ts';
import type { WalletQueries } from './view.ts';
import { someMoney } from '#services/money.ts';
import { composed } from '#services/submitting.ts';
import type { Door, Submission } from '#shared/web/door.ts';
import type { Call } from '#shared/web/endpoint.ts';
import { Problem } from '#shared/web/problems.ts';

export const topUpBody = z.strictObject(someMoney.shape);

/** The money that an operator gives a customer, as the command that adds it. */
export function toppingUp(
  customerId: string,
  { body: amount, caller, idempotencyKey, trace }: Call<unknown, z.output<typeof topUpBody>>,
  door: Door,
  wallets: WalletQueries,
): Submission {
  return {
    kind: 'top-up',
    needs: [topUp.route],
    subject: caller.subject,
    idempotencyKey,
    same: [customerId, amount],
    compose() {
      const topUpId = door.clock.id();
      const body = { customerId, topUpId, amount };
      const accepted = {
        status: 202,
        headers: { Location: topUpPath(customerId, topUpId) },
        body: { id: topUpId, customerId, ...amount, state: 'pending' },
      };
      return composed(topUp, { id: topUpId, body, customerId, accepted }, { trace }, door);
    },
    async outcome({ message }) {
      const answer = await wallets.outcome(customerId, message.id);
      if (answer?.type === topUpRefused.name) {
        const { reason } = topUpRefused.body.parse(answer.body);
        throw new Problem('invalid-transition', `the wallet refused the top-up: ${reason}`, { members: { reason } });
      }
      if (answer?.type !== toppedUp.name) return undefined;
      const wallet = await wallets.wallet(customerId);
      if (wallet === undefined) return undefined;
      const headers = { Location: topUpPath(customerId, message.id) };
      return { status: 201, headers, body: { ...wallet, topUpId: message.id } };
    },
  };
}

function topUpPath(customerId: string, topUpId: string): string {
  return `/v1/wallets/${encodeURIComponent(customerId)}/top-ups/${encodeURIComponent(topUpId)}`;
}
