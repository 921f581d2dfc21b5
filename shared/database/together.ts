import type { mongo } from 'mongoose';
import { systemClock } from '#shared/clock.ts';

interface Call<Item, Result> {
  readonly items: readonly Item[];
  readonly resolve: (result: Result | Promise<Result>) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * What several ask for in one turn of the event loop is asked for once, with the items of all; each gets the whole result. When that fails
 * with an error that may be due to the items of one of them (`isOfItems`), it is asked for each of them alone: nobody fails with another's.
 */
export function together<Item, Result>(
  run: (items: readonly Item[]) => Promise<Result>,
  isOfItems: (error: unknown) => boolean = () => false,
): (items: readonly Item[]) => Promise<Result> {
  let waiting: Call<Item, Result>[] = [];

  async function ask(): Promise<void> {
    const calls = waiting;
    waiting = [];
    try {
      const result = await run(calls.flatMap(({ items }) => items));
      for (const { resolve } of calls) resolve(result);
    } catch (error) {
      for (const { items, resolve, reject } of calls) {
        if (calls.length > 1 && isOfItems(error)) resolve(run(items));
        else reject(error);
      }
    }
  }

  return (items) => {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    if (waiting.length === 0) systemClock.soon(() => void ask());
    waiting.push({ items, resolve, reject });
    return promise;
  };
}

/** What a collection has of the ids that are asked for, by id; one read for all who ask in one turn of the event loop. */
export function foundTogether<Stored extends { readonly _id: string }>(
  collection: () => mongo.Collection<Stored>,
  /** Absent: everything of them. */
  projection?: Readonly<Record<string, 1>>,
): (ids: readonly string[]) => Promise<ReadonlyMap<string, Stored>> {
  return together(async (ids) => {
    const found = await collection()
      .find({ _id: { $in: [...new Set(ids)] } } as object, projection && { projection })
      .toArray();
    return new Map(found.map((stored) => [stored._id, stored as unknown as Stored]));
  });
}
