/** Checkouts in a simulated town: of every kind, with triggers that come early, and some that are given up. I-11: what happened, happened in an order that the flow allows. */
import type { Scheduler } from './scheduler.ts';
import type { SimulatedTown } from './town.ts';
import { checkoutBody, goodCard, sealedPlainly } from '#test/support/checkouts.ts';
import { causalFaults } from '#services/checkout/causal-order.ts';
import { abandon, begin, type CheckoutForm } from '#services/checkout/contract.ts';
import type { CheckoutState, StoredState } from '#services/checkout/state.ts';
import { type Letter, participants } from '#services/checkout-flow.ts';
import { entryKey } from '#services/executor/contract.ts';
import * as fraud from '#services/fraud/contract.ts';
import { encode } from '#shared/bus/envelope.ts';
import { hash, inbox } from '#shared/bus/topology/topology.ts';
import type { CommandType } from '#shared/message.ts';

const COUNT = 14;
const rejections = ['A', 'B', 'C', 'D', 'E'] as const;
type Kind = 'approved' | (typeof rejections)[number];

const usual = checkoutBody();
const changes: Readonly<Record<Kind, object>> = {
  approved: {},
  A: { items: [] },
  B: { termsAccepted: false },
  C: { creditCard: { ...goodCard, cvv: '1' } },
  D: { user: { name: 'Mallory Malicious', contact: 'm@example.org' } },
  E: { creditCard: { ...goodCard, number: '4000000000009979' } },
};

const idOf = (n: number): string => `checkout-${n}`;
/** Every second one gives the executors work. */
const kindOf = (n: number): Kind => (n % 2 === 0 ? 'approved' : rejections[(n >> 1) % rejections.length]!);

async function formOf(n: number): Promise<CheckoutForm> {
  const { creditCard, ...filled } = { ...usual, ...changes[kindOf(n)] };
  const [orderId, customerId] = [idOf(n), filled.customerId];
  const unitPrice = { amount: 1000, currency: 'EUR' } as const;
  const items = filled.items.map((item) => ({ ...item, unitPrice }));
  const order = { orderId, customerId, email: 'alice@example.org', items, total: { ...unitPrice, amount: 2000 } };
  return { ...filled, orderId, cards: await sealedPlainly(creditCard), ...(items.length > 0 && { order }) };
}

/** `drawn`: a stream of its own. */
export function sendCheckouts({ broker, settings, scheduler }: SimulatedTown, drawn: Scheduler, overMs: number): void {
  const { clock } = scheduler;
  const put = <Body>(exchange: string, id: string, type: CommandType<Body>, body: Body): void => {
    const message = { id, type: type.name, key: type.key(body), body, correlationId: id };
    broker.put(exchange, encode(message, clock.now()));
  };
  for (let n = 0; n < COUNT; n += 1) {
    const orderId = idOf(n);
    const at = drawn.between(0, overMs);
    const [isGivenUp, isTriggered] = [drawn.chance() < 0.2, drawn.chance() < 0.4];
    void formOf(n).then((form) =>
      clock.after(at, () =>
        put(inbox('checkout'), `${orderId}:begin`, begin, { ...form, notAfter: clock.now() + settings.times.stepMs }),
      ),
    );
    if (isGivenUp)
      clock.after(at + drawn.between(0, 500), () => put(inbox('checkout'), `${orderId}:abandon`, abandon, { orderId }));
    if (!isTriggered) continue;
    const early = { orderId, flow: settings.checkoutFlow, clock: {}, before: [], user: usual.user, pieces: 1 };
    clock.after(at + drawn.between(0, 100), () => put(hash('fraud'), `${orderId}:stray`, fraud.checkUser, early));
  }
}

function checkoutsOf(homes: SimulatedTown['homes']): readonly (readonly [id: string, state: CheckoutState])[] {
  return [...homes.get('checkout')!.documents.values()].flatMap(({ key, state }) => {
    const stored = state as StoredState | undefined;
    return stored !== undefined && 'saga' in stored ? [[key, stored] as const] : [];
  });
}

/** Every checkout that began was decided, and everybody has cleared. */
export function checkoutsAreOver(town: SimulatedTown): boolean {
  return checkoutsOf(town.homes).every(
    ([, { saga, clearing }]) => saga.phase === 'ended' && clearing !== undefined && Object.keys(clearing).length === 0,
  );
}

/** What is wrong with the checkouts of a town at rest. */
export function checkoutFaults(town: SimulatedTown): readonly string[] {
  const began = checkoutsOf(town.homes);
  const queued = new Set(town.homes.get('executor')!.documents.keys());
  return [
    ...began.flatMap(([id, state]) => causalFaults(state).map((what) => `I-11: ${id}: ${what}`)),
    ...began.flatMap(([id, { decision }]) => {
      const isQueued = queued.has(entryKey(id));
      return isQueued === (decision?.status === 'approved')
        ? []
        : [`I-11: ${id} is ${decision?.status}, queued: ${isQueued}`];
    }),
    ...began.flatMap(([id, { decision }]) => {
      const kind = kindOf(Number(id.slice('checkout-'.length)));
      const ended = decision?.status === 'rejected' ? decision.reason.event : decision?.status;
      return ended === 'failed' || ended === (kind satisfies Letter | 'approved')
        ? []
        : [`I-11: ${id} of kind ${kind} ended ${ended}`];
    }),
    ...participants.flatMap((name) =>
      began.flatMap(([id]) => {
        const state = town.homes.get(name)!.documents.get(id)?.state as { readonly status: string } | undefined;
        return state === undefined || state.status === 'cleared' ? [] : [`I-11: ${name} keeps data of ${id}`];
      }),
    ),
  ];
}

export function countCheckouts(homes: SimulatedTown['homes']): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const [, { decision }] of checkoutsOf(homes)) {
    const name = `checkouts ${decision?.status ?? 'open'}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}
