import { z } from 'zod';
import { orderId, wordOf } from '#services/fields.ts';
import { command, event } from '#shared/message.ts';
import { lookup } from '#shared/web/lookup.ts';
import { wholeNumber } from '#shared/variable-kinds.ts';

/** Where the answers of an order's steps go. */
export const SAGA_ROUTE = 'saga';

/** How long an order may take, ms. */
export const sagaVariables = {
  /** How long a forward step may take before it is undone. */
  STEP_DEADLINE_MS: wholeNumber(500).default(60_000),
  /** How long the steps that are only retried forward may take before everything is undone. */
  SAGA_DEADLINE_MS: wholeNumber(500).default(600_000),
} satisfies z.ZodRawShape;

export const cancelling = event('saga.cancelling', z.object({ orderId }));
export const cancelRefused = event(
  'saga.cancel-refused',
  z.object({ orderId, reason: wordOf(['unknown_order', 'too_late', 'already_ended', 'parked']) }),
);
/** Asks to undo the order. Accepted until the capture (step 7) was sent; afterwards refused. */
export const cancel = command('saga.cancel', {
  body: z.object({ orderId }),
  key: (body) => body.orderId,
  done: cancelling,
  refused: cancelRefused,
});

/** How often an order was tried. */
export interface OrderProgress {
  /** From 1: one more with every refusal that is tried again. */
  readonly attempt: number;
  readonly maxAttempts: number;
  /** RFC 3339; while it waits for its next try. */
  readonly nextTryAt?: string;
}
/** The progress of these orders, by id; each has one. */
export const sagaProgress = lookup<ReadonlyMap<string, OrderProgress>, readonly string[]>('saga.progress');

/** Those of these orders whose sagas have ended, and when (epoch ms): nothing that is sent for them changes anything any more. */
export const endedOrders = lookup<ReadonlyMap<string, number>, readonly string[]>('saga.ended-orders');

/** The answer to a `saga.cancel` with that message id; `undefined`: not handled yet. */
export const sagaAnswer = lookup<
  { readonly type: string; readonly body: unknown } | undefined,
  { readonly orderId: string; readonly messageId: string }
>('saga.answer');
