import * as stock from '#services/stock/contract.ts';
import type { Context } from '#shared/entity/entity.ts';
import type { Send } from '#shared/message.ts';

/** What the product asked the stock for and has no answer to. It is asked again under the same id. */
export type Asked = (
  | { readonly what: 'open'; /** How many there are at first. */ readonly quantity: number }
  | { readonly what: 'close' }
) & {
  readonly id: string;
  readonly times: number;
  /** Epoch ms. */
  readonly since: number;
  readonly againAt: number;
};

const AGAIN_MS = 5000;
const LONGEST_MS = 60_000;

/** A question that follows from the message that is handled; at most one does. */
export function asking(
  question: { readonly what: 'open'; readonly quantity: number } | { readonly what: 'close' },
  { message, now }: Context,
): Asked {
  return { ...question, id: `${message.id}:${question.what}`, times: 1, since: now, againAt: now + AGAIN_MS };
}

export function askedAgain(asked: Asked, now: number): Asked {
  const waitMs = Math.min(LONGEST_MS, AGAIN_MS * 2 ** Math.min(asked.times, 10));
  return { ...asked, times: asked.times + 1, againAt: now + waitMs };
}

/** The question as a command; its answer comes back to the product. */
export function questionOf(asked: Asked, sku: string, context: Context): Send {
  const { id } = asked;
  return asked.what === 'open'
    ? context.command(stock.open, { sku, quantity: asked.quantity }, { id })
    : context.command(stock.close, { sku }, { id });
}

/** Whether the message answers this question, and not an earlier one. */
export function isAnswerTo(asked: Asked | undefined, what: Asked['what'], { message }: Context): asked is Asked {
  return asked?.what === what && asked.id === message.causationId;
}
