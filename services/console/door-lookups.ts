import { createSilentRoutes } from './silent-routes.ts';
import { createWhereItWaits } from './where-it-waits.ts';
import { slowingBy } from '#services/circuit-breaker/board.ts';
import { slowing, whyParked } from '#services/circuit-breaker/contract.ts';
import { silentRoutes } from '#services/checkout/contract.ts';
import { type AnsweredLookup, answerLookup } from '#shared/web/lookup.ts';

type Heard = Parameters<typeof createWhereItWaits>[0] & Omit<Parameters<typeof createSilentRoutes>[0], 'heartbeatMs'>;

/** What a door tells the endpoints of services from what it hears. `heartbeatMs`: how often workers tell of themselves. */
export function doorLookups(heard: Heard, heartbeatMs: number): readonly AnsweredLookup[] {
  return [
    answerLookup(whyParked, createWhereItWaits(heard)),
    answerLookup(silentRoutes, createSilentRoutes({ ...heard, heartbeatMs })),
    answerLookup(slowing, async (route) => slowingBy(heard.board, route)),
  ];
}
