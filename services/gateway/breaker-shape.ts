import type { Breaker, ParkedItem } from '#services/circuit-breaker/contract.ts';

/** The API's shape of a breaker: what it broadcasts, with times as RFC 3339. */
export function breakerShape(breaker: Breaker): object {
  const { since, cycleEndsAt, override, transitions, ...rest } = breaker;
  return {
    ...rest,
    since: time(since),
    ...(cycleEndsAt !== null && { cycleEndsAt: time(cycleEndsAt) }),
    ...(override && { override: { ...override, until: time(override.until) } }),
    transitions: transitions.map(transitionShape),
  };
}

export function transitionShape(transition: Breaker['transitions'][number]): object {
  return { ...transition, at: time(transition.at) };
}

export function parkedShape(item: ParkedItem): object {
  return { ...item, firstExpiredAt: time(item.firstExpiredAt), lastExpiredAt: time(item.lastExpiredAt) };
}

function time(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
