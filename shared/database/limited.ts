import type { Clock } from '#shared/clock.ts';
import { within } from '#shared/within.ts';

/** How long an answer is waited for, ms: longer than the driver looks for a server, shorter than anybody wants to wait. */
const ANSWER_MS = 10_000;

type Calls<Of> = { readonly [Name in keyof Of]: (...asked: never[]) => Promise<unknown> };

/**
 * The same calls to a database, each of which rejects with `Late` when it takes longer than `ms`: one that the driver lost is never
 * answered (see `connectMongo`), and whoever waits for it would wait for ever. What is written by one that did may still come to be.
 */
export function limited<Of extends Calls<Of>>(calls: Of, clock: Clock, ms = ANSWER_MS): Of {
  const each = Object.entries<Calls<Of>[keyof Of]>(calls).map(([name, call]) => [
    name,
    (...asked: never[]) => within(clock, ms, call(...asked)),
  ]);
  return Object.fromEntries(each) as Of;
}
