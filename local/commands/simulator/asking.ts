import { waitMs } from './retry-after.ts';
import type { ApiAnswer } from '#local/commands/api.ts';
import { Trouble } from '#local/stack/trouble.ts';
import type { Clock } from '#shared/clock.ts';

const AT_ONCE = 8;
const LIMIT_MS = 60_000;
/** Ask again later, under the same key. */
const LATER: readonly number[] = [429, 503, 504];

/** Whether it is an answer that stays. A key in use is one whose first request is still running. */
export function isSettled({ status, body }: ApiAnswer<unknown>): boolean {
  const { type } = (body ?? {}) as { readonly type?: string };
  return !LATER.includes(status) && type !== '/problems/idempotency-key-in-use';
}

/** Asks until the answer is settled. @throws {Trouble} `what` could not be done within a minute */
export async function settled<Body>(
  what: string,
  clock: Clock,
  ask: () => Promise<ApiAnswer<Body>>,
  holds: (answer: ApiAnswer<Body>) => boolean = isSettled,
): Promise<ApiAnswer<Body>> {
  const giveUpAt = clock.now() + LIMIT_MS;
  for (;;) {
    const answer = await ask().catch(() => undefined);
    if (answer !== undefined && holds(answer)) return answer;
    if (clock.now() > giveUpAt) throw new Trouble(`${what}: ${answer?.status ?? 'the API does not answer'}`);
    await clock.sleep(waitMs(answer));
  }
}

/** A few at a time. */
export async function forEach<Item>(items: Iterable<Item>, run: (item: Item) => Promise<void>): Promise<void> {
  const left = items[Symbol.iterator]();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let next = left.next(); next.done !== true; next = left.next()) await run(next.value);
    }),
  );
}
