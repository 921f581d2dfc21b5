import { type Happening, type Participant, participants } from '#services/checkout-flow.ts';
import * as fraud from '#services/fraud/contract.ts';
import * as suggestions from '#services/suggestions/contract.ts';
import * as verification from '#services/verification/contract.ts';
import type { Context } from '#shared/entity/entity.ts';
import type { Send } from '#shared/message.ts';
import { backoffMs, type Backoff } from '#shared/backoff.ts';
import { compare, type VectorClock } from '#shared/vector-clock.ts';

/** Those that have not said that they cleared the order's data: what was sent to each, and when it is sent again. */
export type Clearing = Partial<Readonly<Record<Participant, Sent>>>;
interface Sent {
  readonly clock: VectorClock;
  /** Counts the final clocks that were sent there: one that grew is another message. */
  readonly number: number;
  readonly attempts: number;
  /** Epoch ms. */
  readonly dueAt: number;
}

const commands = { verification: verification.clear, fraud: fraud.clear, suggestions: suggestions.clear } as const;
export const clearedEvents = [verification.cleared, fraud.cleared, suggestions.cleared] as const;

/** Sends the final clock to all three. */
export function beginClearing(clock: VectorClock, now: number, resend: Backoff): Clearing {
  const sent = { clock, number: 1, attempts: 1, dueAt: now + backoffMs(resend, 1, () => 1) };
  return Object.fromEntries(participants.map((name) => [name, sent])) as Clearing;
}

/** One has cleared, or has reported that more happened there: then it is sent the clock that knows of it. */
export function answeredBy(
  clearing: Clearing,
  name: Participant,
  { isCleared, clock }: { readonly isCleared: boolean; readonly clock: VectorClock },
  now: number,
  resend: Backoff,
): Clearing {
  const { [name]: own, ...others } = clearing;
  if (own === undefined || isCleared) return others;
  if (compare(own.clock, clock) === 'equal') return clearing;
  const dueAt = now + backoffMs(resend, 1, () => 1);
  return { ...others, [name]: { clock, number: own.number + 1, attempts: 1, dueAt } };
}

/** Counts one more sending of what is due. */
export function resentAt(clearing: Clearing, now: number, resend: Backoff): Clearing {
  return Object.fromEntries(
    Object.entries(clearing).map(([name, sent]) => {
      if (sent.dueAt > now) return [name, sent];
      const attempts = sent.attempts + 1;
      return [name, { ...sent, attempts, dueAt: now + backoffMs(resend, attempts, () => 1) }];
    }),
  );
}

export function clearingDueAt(clearing: Clearing): number | undefined {
  const times = Object.values(clearing).map(({ dueAt }) => dueAt);
  return times.length === 0 ? undefined : Math.min(...times);
}

/** The messages of what is new, or was sent again; what is known need not be told. */
export function clearingSends(
  before: Clearing | undefined,
  after: Clearing | undefined,
  events: readonly Happening[],
  context: Context,
): Send[] {
  if (before === after) return [];
  const known = events.filter(({ outcome }) => outcome !== 'refused').map(({ event }) => event);
  return participants.flatMap((name) => {
    const sent = after?.[name];
    const was = before?.[name];
    if (sent === undefined || (was?.number === sent.number && was.attempts === sent.attempts)) return [];
    const orderId = context.message.key;
    return [
      context.command(
        commands[name],
        { orderId, clock: sent.clock, known },
        { id: `${orderId}:clear-${name}#${sent.number}` },
      ),
    ];
  });
}
