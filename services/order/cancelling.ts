import { orderPath } from './contract.ts';
import type { OrderView } from './view.ts';
import { cancel, cancelRefused, cancelling, sagaAnswer } from '#services/saga/contract.ts';
import { inbox } from '#shared/bus/topology/topology.ts';
import type { Door, Submission } from '#shared/web/door.ts';
import type { Call } from '#shared/web/endpoint.ts';
import { Problem } from '#shared/web/problems.ts';

/** How long its saga remembers that it handled a cancel. One that comes again later is answered by what the order is then. */
const CANCEL_REMEMBERED_MS = 3_600_000;

/** Asks the order's saga to undo it; answers what the saga decided. `current`: reads the order again. */
export function cancelOf(
  order: OrderView,
  { caller, trace, idempotencyKey }: Call,
  { clock, lookUp }: Door,
  current: () => Promise<OrderView>,
): Submission {
  const orderId = order.id;
  const headers = { Location: orderPath(orderId) };
  return {
    kind: 'cancel',
    needs: [cancel.route],
    subject: caller.subject,
    idempotencyKey,
    same: orderId,
    compose() {
      const id = `${orderId}:cancel:${clock.id()}`;
      const body = { orderId };
      return {
        resourceId: id,
        customerId: '',
        exchange: inbox(cancel.route),
        message: {
          id,
          type: cancel.name,
          key: cancel.key(body),
          body,
          correlationId: orderId,
          // An order can be cancelled any number of times: its saga does not keep all of that for ever.
          rememberUntil: clock.now() + CANCEL_REMEMBERED_MS,
          traceparent: trace.traceparent,
        },
        accepted: { status: 202, headers, body: order },
      };
    },
    async outcome({ message }) {
      const answer = await lookUp(sagaAnswer, { orderId, messageId: message.id });
      if (answer?.type === cancelling.name) return { status: 202, headers, body: await current() };
      if (answer?.type !== cancelRefused.name) return undefined;
      const { reason } = cancelRefused.body.parse(answer.body);
      throw new Problem('invalid-transition', `the order can not be cancelled: ${reason}`, { members: { reason } });
    },
  };
}
