/** What this process has counted, over all its terms. */
export interface Tally {
  expired(route: string): void;
  redriven(route: string): void;
  of(route: string): { readonly expiredTotal: number; readonly redriven: number };
}

export function createTally(): Tally {
  const expired = new Map<string, number>();
  const redriven = new Map<string, number>();
  const add = (counts: Map<string, number>, route: string): void =>
    void counts.set(route, (counts.get(route) ?? 0) + 1);
  return {
    expired: (route) => add(expired, route),
    redriven: (route) => add(redriven, route),
    of: (route) => ({ expiredTotal: expired.get(route) ?? 0, redriven: redriven.get(route) ?? 0 }),
  };
}
