/** What pricing and baskets need from outside in a town: scripts without threads, texts in memory, offers as they are stored. */
import type { Clock } from '#shared/clock.ts';
import { silentLog } from '#shared/log.ts';
import { type Asker, type AskerOptions, createAsker } from '#shared/question/asker.ts';
import type { Ask } from '#shared/question/question.ts';
import type { MemoryStore } from '#shared/entity/stores/memory-store.ts';
import type { Ports } from './residents.ts';
import { offersReader, type ReadOffer } from '#services/pricing/offers.ts';
import type { PricingState } from '#services/pricing/pricing.ts';
import type { Scripts } from '#services/pricing/scripts/contract.ts';
import { createScriptsInPlace } from '#services/pricing/scripts/scripts-in-place.ts';
import type { ProductState } from '#services/catalogue/product.ts';

const inPlace = await createScriptsInPlace();
const dryRuns = new Map<string, ReturnType<Scripts['check']>>();
/** Of the same script a dry run always sees the same, and takes as long as some orders of a town. */
export const scripts: Scripts = {
  ...inPlace,
  check(...asked) {
    const name = JSON.stringify(asked);
    const seen = dryRuns.get(name) ?? inPlace.check(...asked);
    dryRuns.set(name, seen);
    return seen;
  },
};

type Stored = Pick<MemoryStore<unknown>, 'documents'>;

/** `storedBy`: what a service has stored. */
export function pricingPorts(
  storedBy: (service: string) => Stored | undefined,
  clock: Clock,
  texts = new Map<string, string>(),
): Ports {
  return {
    scripts,
    keepSource: async (version: string, source: string) => void texts.set(version, source),
    readSource: async (version: string) => texts.get(version),
    readOffer: memoryOffers(storedBy, clock),
  };
}

function memoryOffers(storedBy: (service: string) => Stored | undefined, clock: Clock): ReadOffer {
  const stateOf = <State>(service: string, key: string): readonly (readonly [string, State])[] => {
    const state = storedBy(service)?.documents.get(key)?.state;
    return state === undefined ? [] : [[key, state as State]];
  };
  return offersReader(clock, {
    pricing: async (keys) => new Map(keys.flatMap((key) => stateOf<PricingState>('pricing', key))),
    catalogue: async (skus) =>
      new Map(
        skus
          .flatMap((sku) => stateOf<ProductState>('catalogue', sku))
          .flatMap(([sku, state]) => (state.status === 'deleted' ? [] : [[sku, state] as const])),
      ),
  });
}

/** Who asks nothing makes no asker. */
export function askingThrough(bus: AskerOptions['bus'], clock: Clock): Ask {
  let asker: Asker | undefined;
  return (...asked) => (asker ??= createAsker({ bus, clock, log: silentLog })).ask(...asked);
}
