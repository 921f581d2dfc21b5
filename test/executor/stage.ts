/** Hands for an end-to-end test of the executors: orders into the queue, cuts between executors, and what is told of both. */
import { details } from '#test/services/saga/cases.ts';
import { checkoutBody } from '#test/support/checkouts.ts';
import type { TestStack } from '#test/support/stack.ts';
import { until } from '#test/support/until.ts';
import type { CheckoutView } from '#services/checkout/shapes.ts';
import { enqueue, executorIds, roleChanged } from '#services/executor/contract.ts';
import type { RaftMessage } from '#services/executor/raft/state.ts';
import type { ExecutorLogView, ExecutorView, QueuedOrderView } from '#services/executor/shapes.ts';
import { connectAmqp } from '#shared/bus/amqp/amqp-bus.ts';
import { encode } from '#shared/bus/envelope.ts';
import { jsonIn } from '#shared/bus/json-in.ts';
import { CONTROL, EVENTS, inbox, peerKey } from '#shared/bus/topology/topology.ts';
import { systemClock as clock } from '#shared/clock.ts';
import { silentLog } from '#shared/log.ts';
import type { BodyOf } from '#shared/message.ts';

export const IDS = executorIds(3);
const PEERS = peerKey('executor', '');

/** Who cannot be heard by whom. */
export type Cut = (from: string, to: string) => boolean;

export async function executorStage(stack: TestStack) {
  const bus = connectAmqp({ url: stack.amqpUrl, name: 'checkouts', clock, log: silentLog });
  const roles: BodyOf<typeof roleChanged>[] = [];
  const listening = await bus.subscribe(EVENTS, [roleChanged.name], ({ content }) => {
    roles.push(jsonIn(content) as BodyOf<typeof roleChanged>);
  });
  const self = {
    /** Every change of role that was told, as it came. */
    roles,
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
    /** Through the API; what it decided, and the order of each. */
    async checkOut(count: number, changes: object = {}): Promise<readonly CheckoutView[]> {
      const decided: CheckoutView[] = [];
      for (let n = 0; n < count; n += 1) {
        const { body } = await stack.api.post<CheckoutView>('/v1/checkouts', checkoutBody(changes), {
          'idempotency-key': clock.id(),
        });
        const path = `/v1/checkouts/${body.checkoutId}`;
        const read = async () => (await stack.api.get<CheckoutView>(path)).body;
        decided.push(await until('the checkout is decided', read, ({ status }) => status !== 'pending'));
      }
      return decided;
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
    /** From now on what executors tell each other is lost where it is cut; the broker and the queue are reached as before. */
    cut(isCut: Cut | undefined): void {
      const isLost = ({ body }: { readonly body: Buffer }): boolean => {
        const { from, to } = jsonIn(body) as RaftMessage;
        return isCut!(from, to);
      };
      stack.relays!.broker.lose(isCut && { wants: (key) => key.startsWith(PEERS), isLost });
    },
    /** Says something in the name of an executor, and what that one is answered first. */
    async inNameOf(message: RaftMessage): Promise<RaftMessage> {
      const answer = Promise.withResolvers<RaftMessage>();
      const subscription = await bus.subscribe(CONTROL, [peerKey('executor', message.from)], ({ content }) => {
        const said = jsonIn(content) as RaftMessage;
        if (said.from === message.to && said.kind === 'vote') answer.resolve(said);
      });
      const content = Buffer.from(JSON.stringify(message));
      await bus.publish(CONTROL, { content, type: 'raft.ask-vote', headers: {} }, peerKey('executor', message.to));
      const told = await answer.promise;
      await subscription.close();
      return told;
    },
    async close() {
      await listening.close();
      await bus.close();
    },
  };
  return self;
}

export type ExecutorStage = Awaited<ReturnType<typeof executorStage>>;
