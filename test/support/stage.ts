/** Orders that are brought to a step of the saga, each to its own, while a fault waits for them there. */
import { goodAt } from './goods.ts';
import type { Shop } from './place.ts';
import type { Good } from '#local/stack/demo-catalogue.ts';
import type { OwedUndo, StepCase } from '#test/services/saga/cases.ts';
import type { OrderView } from '#services/order/view.ts';
import type { SagaTimeline as Timeline } from '#shared/saga/timeline-shape.ts';
import type { EntryView, WalletView } from '#services/wallet/view.ts';

export interface Staged {
  readonly step: StepCase;
  readonly orderId: string;
  readonly customerId: string;
}

export interface Played extends Staged {
  readonly order: OrderView;
  readonly timeline: Timeline;
  readonly wallet: WalletView;
  readonly entries: readonly EntryView[];
}

export const FUNDS = 100_000;

/** Of the order that is brought to this step alone: what crashes for one SKU holds up whatever else is asked of that SKU. */
const skuFor = ({ name }: StepCase): string => `for-${name.replace('/', '-')}`;

/** What the stage orders. */
export const stageGoods = (steps: readonly StepCase[]): readonly Good[] =>
  steps.map((step) => goodAt(1000, 'EUR', skuFor(step)));

export function createStage(shop: Shop, steps: readonly StepCase[]) {
  const faults = new Map<string, Set<string>>();

  /** Latest step first: an order that is placed later must pass the steps before its own, which are still whole. */
  const latestFirst = steps.toReversed();

  async function place(step: StepCase, why: string): Promise<Staged> {
    const customerId = `${step.name.replace('/', '-')}-${why}`;
    await shop.topUp(customerId, FUNDS);
    return { step, customerId, orderId: await shop.place({ customerId, sku: skuFor(step) }) };
  }

  /** The command of the step crashes, for every order, until `heal`. */
  async function crashAt({ service, command }: Pick<StepCase, 'service' | 'command'>): Promise<void> {
    const commands = faults.get(service) ?? new Set();
    faults.set(service, commands.add(command));
    await shop.fault(service, { crashAt: [...commands] });
  }

  async function heal(...services: readonly string[]): Promise<void> {
    for (const service of services) {
      faults.delete(service);
      await shop.fault(service, {});
    }
  }

  const isUndoing = ({ state }: Timeline): boolean => state !== 'running';

  return {
    latestFirst,
    place,
    crashAt,
    heal,
    async waitsAt({ orderId, step }: Staged): Promise<void> {
      await shop.waitingFor(orderId, step.name);
    },
    async turnsBack({ orderId }: Staged): Promise<void> {
      await shop.timelineWhen(orderId, 'turns back', isUndoing);
    },
    async play(staged: Staged): Promise<Played> {
      const ended = await shop.ended(staged.orderId);
      const { customerId } = staged;
      return { ...staged, ...ended, wallet: await shop.wallet(customerId), entries: await shop.entries(customerId) };
    },
    /** The one whose answer lets the step be sent. */
    before: (step: StepCase): StepCase | undefined => steps[steps.indexOf(step) - 1],
  };
}

export type Stage = ReturnType<typeof createStage>;

/** The compensations of a timeline in the terms of a `StepCase`. */
export function undone({ compensations }: Timeline) {
  return compensations.map(({ step, message, of }) => ({ step, command: message, of }));
}

/** The compensations that are owed, in the order that this timeline demands of steps that ran side by side. */
export function asHappened({ steps }: Timeline, owed: readonly OwedUndo[]): readonly OwedUndo[] {
  const place = ({ step }: OwedUndo): number => steps.findIndex(({ name }) => name === step);
  return owed.toSorted((a, b) => place(b) - place(a));
}
