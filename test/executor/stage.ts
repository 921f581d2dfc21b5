/** Hands for an end-to-end test of the executors: orders into the queue, and what is told of it. */
import { details } from '#test/services/saga/cases.ts';
import type { TestStack } from '#test/support/stack.ts';
import { until } from '#test/support/until.ts';
import { enqueue } from '#services/executor/contract.ts';
import type { ExecutorLogView, ExecutorView, QueuedOrderView } from '#services/executor/shapes.ts';
import { connectAmqp } from '#shared/bus/amqp/amqp-bus.ts';
import { encode } from '#shared/bus/envelope.ts';
import { inbox } from '#shared/bus/topology/topology.ts';
import { systemClock as clock } from '#shared/clock.ts';
import { silentLog } from '#shared/log.ts';

export function executorStage(stack: TestStack) {
  const bus = connectAmqp({ url: stack.amqpUrl, name: 'checkouts', clock, log: silentLog });
  const self = {
    /** Orders of a customer without money: what becomes of them is another matter. */
    async enqueue(count: number): Promise<readonly string[]> {
      const orderIds = Array.from({ length: count }, () => clock.id());
      for (const orderId of orderIds) {
        const body = { orderId, order: { ...details, orderId } };
        const key = enqueue.key(body);
        const message = { id: `${orderId}:enqueue`, type: enqueue.name, key, body, correlationId: orderId };
        await bus.publish(inbox(enqueue.route), encode(message));
      }
      return orderIds;
    },
    executors: async () => (await stack.api.get<readonly ExecutorView[]>('/v1/executors')).body,
    async queue(state?: 'queued' | 'executed'): Promise<readonly QueuedOrderView[]> {
      const found: QueuedOrderView[] = [];
      for (let cursor: string | undefined = ''; cursor !== undefined;) {
        const query = new URLSearchParams({
          limit: '100',
          ...(state && { state }),
          ...(cursor !== '' && { cursor }),
        });
        const { body } = await stack.api.get<{ items: QueuedOrderView[]; nextCursor?: string }>(
          `/v1/order-queue?${query.toString()}`,
        );
        found.push(...body.items);
        cursor = body.nextCursor;
      }
      return found;
    },
    log: async (id: string) => (await stack.api.get<ExecutorLogView>(`/v1/executors/${id}/queue`)).body,
    /** The one that leads, as a majority of the living sees it. */
    leader: (not?: string) =>
      until(
        'there is a leader',
        self.executors,
        (all) => all.some(({ id, role, alive }) => id !== not && role === 'leader' && alive),
        { everyMs: 25 },
      ).then((all) => all.find(({ id, role, alive }) => id !== not && role === 'leader' && alive)!),
    fault: (faults: object) => stack.api.put('/v1/faults/executor', faults),
    async metric(id: string, name: string): Promise<string | undefined> {
      const text = await (await fetch(`${stack.urls[id]}/metrics`)).text();
      return text.split('\n').find((line) => line.startsWith(`switchyard_${name}`));
    },
    close: () => bus.close(),
  };
  return self;
}
