import { z } from 'zod';
import type { Card } from '#services/card-sealing.ts';
import { methodToken } from '#services/payment/contract.ts';

export interface TokenCall {
  readonly idempotencyKey: string;
  readonly signal: AbortSignal;
  readonly traceparent?: string;
}

/** Exchanges a card for a token of the payment provider. The same card and key give the same token. */
export interface Tokenizer {
  tokenOf(card: Card, call: TokenCall): Promise<string>;
}

const answer = z.object({ token: methodToken });

/** The provider over HTTP; anything but a token throws, and says nothing of the card. */
export function httpTokenizer({ url }: { readonly url: string }): Tokenizer {
  return {
    async tokenOf({ number, expirationDate, cvv }, { idempotencyKey, signal, traceparent }) {
      const response = await fetch(new URL('tokens', url.endsWith('/') ? url : `${url}/`), {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'idempotency-key': idempotencyKey,
          ...(traceparent !== undefined && { traceparent }),
        },
        body: JSON.stringify({ number: number.replaceAll(/\D/g, ''), expirationDate, cvv }),
        redirect: 'error',
        signal,
      });
      if (!response.ok) throw new Error(`the provider answered ${response.status} instead of a token`);
      return answer.parse(await response.json()).token;
    },
  };
}
