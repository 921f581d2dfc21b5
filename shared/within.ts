import type { Clock } from './clock.ts';

/** Nothing came back in time; what was started goes on. */
export class Late extends Error {
  override readonly name = 'Late';
}

/** Rejects with `Late` when `work` takes longer than `ms`. */
export async function within<Result>(clock: Clock, ms: number, work: Promise<Result>): Promise<Result> {
  const { promise, reject } = Promise.withResolvers<never>();
  const cancel = clock.after(Math.max(0, ms), () => reject(new Late(`no answer within ${ms} ms`)));
  try {
    return await Promise.race([work, promise]);
  } finally {
    cancel();
  }
}
