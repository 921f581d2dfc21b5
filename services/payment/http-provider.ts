import { z } from 'zod';
import { saidFrom } from '#services/fields.ts';
import type { Provider, ProviderCall } from './provider.ts';

const approved = z.object({ status: z.string() });
const declined = z.object({ reason: z.string().min(1) });
const refundOutcome = z.object({ refunded: z.boolean() });

/**
 * The provider over HTTP. 2xx is done; 402 is a refusal with its reason; anything else, a time-out, or an answer that
 * cannot be read, throws. `url` is the provider's base address.
 */
export function httpProvider({ url }: { readonly url: string }): Provider {
  const post = async (path: string, call: ProviderCall, body: object): Promise<{ status: number; body: unknown }> => {
    const { paymentId, idempotencyKey, signal, traceparent } = call;
    const response = await fetch(new URL(path, url.endsWith('/') ? url : `${url}/`), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'idempotency-key': idempotencyKey,
        ...(traceparent !== undefined && { traceparent }),
      },
      body: JSON.stringify({ paymentId, ...body }),
      redirect: 'error',
      signal,
    });
    const text = await response.text();
    if (!response.ok && response.status !== 402) throw new Error(`provider answered ${response.status} to ${path}`);
    return { status: response.status, body: JSON.parse(text) as unknown };
  };
  const decided = async (path: string, call: ProviderCall, body: object) => {
    const answer = await post(path, call, body);
    if (answer.status === 402) return { approved: false as const, ...saidFrom(declined.parse(answer.body).reason) };
    approved.parse(answer.body);
    return { approved: true as const };
  };
  const certain = async (path: string, call: ProviderCall): Promise<unknown> => {
    const answer = await post(path, call, {});
    if (answer.status === 402) throw new Error(`provider refused ${path}, which it must not`);
    return answer.body;
  };

  return {
    authorize: ({ orderId, amount, method, ...call }) => decided('authorizations', call, { orderId, amount, method }),
    capture: (call) => decided('captures', call, {}),
    async void(call) {
      await certain('voids', call);
    },
    refund: async (call) => refundOutcome.parse(await certain('refunds', call)),
  };
}
