import type { Connection } from 'mongoose';
import { cardReaders } from './contract.ts';
import { checkoutsCollection, type StoredCheckout } from './model.ts';
import { definitionsOf } from './place-checkout.ts';
import type { CheckoutView, EventView } from './shapes.ts';
import type { CheckoutState, StoredState } from './state.ts';
import { publishedCardKeys } from '#services/card-keys.ts';
import { type Card, cardSealer } from '#services/card-sealing.ts';
import { type Happening, ownerOf } from '#services/checkout-flow.ts';
import { storedById } from '#shared/database/archive.ts';
import { askedSteps } from '#shared/saga/definition.ts';
import { isOutstanding } from '#shared/saga/state.ts';
import { dependencyUnavailable } from '#shared/web/problems.ts';

/** A checkout as its document says. */
export interface FoundCheckout {
  /** Absent: it was given up before it began, and its document does not know. */
  readonly customerId?: string;
  readonly checkout: CheckoutView;
  readonly events: readonly Happening[];
  /** The routes that have not answered, while it is not decided. */
  readonly waitsFor: readonly string[];
}

export type SealedCards = Readonly<Record<(typeof cardReaders)[number], string>>;

export interface CheckoutQueries {
  /** `undefined`: it has not begun; one that never will is `failed`. */
  find(checkoutId: string): Promise<FoundCheckout | undefined>;
  /** The card, for each of those that need it; `now` in epoch ms. Throws `dependency-unavailable` when one of them never ran. */
  seal(card: Card, now: number): Promise<SealedCards>;
}

const FIELDS = {
  'state.customerId': 1,
  'state.decision': 1,
  'state.events': 1,
  'state.abandonedAt': 1,
  'state.saga.phase': 1,
  'state.saga.steps': 1,
} as const;

export function checkoutView(db: Connection): CheckoutQueries {
  const sealed = cardSealer();
  return {
    async find(checkoutId) {
      const stored = await storedById<StoredCheckout>(db, checkoutsCollection, checkoutId, FIELDS);
      return stored?.state && found(checkoutId, stored.state);
    },
    async seal(card, now) {
      const keys = await publishedCardKeys(db, cardReaders);
      const parts = cardReaders.map(async (service) => {
        const key = keys.get(service);
        if (key === undefined) throw dependencyUnavailable(service, `${service} has not told its key for cards yet`);
        return [service, await sealed(card, key, now)] as const;
      });
      return Object.fromEntries(await Promise.all(parts)) as SealedCards;
    },
  };
}

function found(checkoutId: string, state: StoredState): FoundCheckout {
  if (!('saga' in state)) return { checkout: neverBegun(checkoutId), events: [], waitsFor: [] };
  const { customerId, events } = state;
  return { customerId, checkout: shown(checkoutId, state), events, waitsFor: waitsFor(state) };
}

function neverBegun(checkoutId: string): CheckoutView {
  return { checkoutId, status: 'failed', suggestions: [], reason: failure('never_begun', 'checkout') };
}

/** A checkout in the API's shape. */
export function shown(checkoutId: string, { decision }: Pick<CheckoutState, 'decision'>): CheckoutView {
  switch (decision?.status) {
    case undefined:
      return { checkoutId, status: 'pending', suggestions: [] };
    case 'approved':
      return { checkoutId, status: 'approved', orderId: checkoutId, suggestions: decision.suggestions };
    case 'rejected':
      return { checkoutId, status: 'rejected', suggestions: [], reason: decision.reason };
    case 'failed':
      return {
        checkoutId,
        status: 'failed',
        suggestions: [],
        reason: failure(decision.code, serviceOf(decision.step)),
      };
  }
}

function failure(code: string, service: string): NonNullable<CheckoutView['reason']> {
  const detail = `The service ${service} did not answer in time; nothing is left of this checkout.`;
  return { code, title: 'The checkout could not be decided', detail, also: [] };
}

const routes: ReadonlyMap<string, string> = new Map(
  definitionsOf('chain')
    .flatMap(askedSteps)
    .map(({ name, command }) => [name, command.route]),
);

function serviceOf(step: string): string {
  return routes.get(step) ?? 'checkout';
}

function waitsFor({ saga, decision }: CheckoutState): readonly string[] {
  if (decision !== undefined || !('steps' in saga)) return [];
  return [...new Set(saga.steps.filter(isOutstanding).map(({ name }) => serviceOf(name)))];
}

/** An event in the API's shape. */
export function shownEvent({ event, outcome, clock, at, reason }: Happening): EventView {
  const counted = { verification: 0, fraud: 0, suggestions: 0, ...clock };
  return {
    event,
    service: ownerOf[event],
    outcome,
    clock: counted,
    at: new Date(at).toISOString(),
    ...(reason !== undefined && { reason }),
  };
}

/** What ShiViz draws: for each event a line with who and its clock, and one with what it was. */
export function shivizLog(events: readonly Happening[]): string {
  const lines = events.flatMap(({ event, outcome, clock, reason }) => {
    if (outcome === 'refused') return [];
    const counted = Object.fromEntries(Object.entries(clock).filter(([, count]) => count > 0));
    return [`${ownerOf[event]} ${JSON.stringify(counted)}`, `${event} ${outcome}${reason ? ` ${reason.code}` : ''}`];
  });
  return lines.map((line) => `${line}\n`).join('');
}
