/** A town whose shelves are full, checkouts at its door, and what of them is left where. */
import { createDoor } from '#test/town/door.ts';
import { shelve } from '#test/town/shelves.ts';
import { startTown, type TownOptions } from '#test/town/town.ts';
import { goods } from '#test/support/goods.ts';
import type { CheckoutView, EventView } from '#services/checkout/shapes.ts';
import type { StoredState } from '#services/checkout/state.ts';
import { participants } from '#services/checkout-flow.ts';

export async function checkoutTown(options: TownOptions & { readonly isSilent?: (route: string) => boolean } = {}) {
  const town = await startTown(options);
  const door = createDoor(town, options.isSilent);
  shelve(town.broker, goods);
  await town.clock.advance(1000);

  const stateOf = (id: string): StoredState | undefined => town.state<StoredState>('checkout', id);
  return {
    ...town,
    door,
    stateOf,
    checkOut: (body: { readonly customerId: string }, key?: string) =>
      door.answered<CheckoutView>('POST', '/v1/checkouts', { body, as: body.customerId, ...(key && { key }) }),
    async eventsOf(id: string): Promise<readonly EventView[]> {
      return (await door.answered<readonly EventView[]>('GET', `/v1/checkouts/${id}/events`)).body;
    },
    /** Decided, and everybody has cleared. */
    async atRest(id: string): Promise<void> {
      await town.clock.until(() => {
        const state = stateOf(id);
        if (state === undefined || !('saga' in state)) return state !== undefined;
        return state.saga.phase === 'ended' && state.clearing !== undefined && Object.keys(state.clearing).length === 0;
      });
    },
    /** What services keep of it: `queued` in the order queue; data of the three; of the card. */
    leftOf(id: string): readonly string[] {
      const kept = participants.filter((name) => {
        const state = town.state<{ readonly status: string }>(name, id);
        return state !== undefined && state.status !== 'cleared';
      });
      const queued = [...town.homes.get('executor')!.store.documents.keys()].some((key) => key.includes(id));
      const text = JSON.stringify([...town.homes.values()].map(({ store }) => store.documents.get(id) ?? null));
      return [...kept, ...(queued ? ['queued'] : []), ...(text.includes('sealed in a test') ? ['card'] : [])];
    },
  };
}

export type CheckoutTown = Awaited<ReturnType<typeof checkoutTown>>;
