/** The owners of baskets and of products without a door before them: their questions over the broker, offers in the database. */
import { sold, SUPERMARKET } from './shop.ts';
import { answering, asking, type Stop } from '#bench/questions/ends.ts';
import { basketAnswers } from '#services/basket/answers.ts';
import { PLAIN, pricingKeyOf } from '#services/pricing/contract.ts';
import { pricingCollection, type StoredPricing } from '#services/pricing/model.ts';
import { storedOffers } from '#services/pricing/offers.ts';
import { priceAnswers, type QuotingPorts } from '#services/pricing/quoting.ts';
import { createScripts } from '#services/pricing/scripts/scripts.ts';
import { createSources } from '#services/pricing/sources.ts';
import { routeTable, services } from '#services/services.ts';
import { systemClock as clock } from '#shared/clock.ts';
import { connectMongo } from '#shared/database/database.ts';
import { silentLog as log } from '#shared/log.ts';
import { storedLookUp } from '#shared/web/api.ts';

/** What has these supermarkets' prices and strategies in it. */
export function opened(mongoUrl: string) {
  return connectMongo(mongoUrl, clock, log, new AbortController().signal).asPromise();
}

/** Writes what is sold. */
export async function fill(mongoUrl: string): Promise<void> {
  const db = await opened(mongoUrl);
  const sources = createSources(db);
  const scripts = createScripts();
  for (const { sku, price, source } of sold) {
    const version = source === undefined ? PLAIN.version : scripts.versionOf(source);
    if (source !== undefined) await sources.keep(version, source);
    const state: StoredPricing['state'] = {
      supermarketId: SUPERMARKET,
      sku,
      price: { amount: price, currency: 'EUR' },
      active: { name: sku, version },
      versions: [],
    };
    const key = pricingKeyOf({ supermarketId: SUPERMARKET, sku });
    await db.collection<StoredPricing>(pricingCollection).insertOne({ _id: key, state });
  }
  await scripts.close();
  await db.close();
}

/** Baskets, which ask for their products. */
export async function answerBaskets(amqpUrl: string): Promise<Stop> {
  const { asker, close } = await asking(amqpUrl, 'basket');
  const stop = await answering(amqpUrl, routeTable, 'basket', basketAnswers({ ask: asker.ask, log }));
  return async () => {
    await stop();
    await close();
  };
}

/** Products, as they are stored. */
export async function answerPrices(amqpUrl: string, mongoUrl: string): Promise<Stop> {
  const db = await opened(mongoUrl);
  const scripts = createScripts();
  const readOffer = storedOffers(db, storedLookUp(services, db, clock), clock);
  const ports = { readOffer, readSource: createSources(db).readOne, scripts, log };
  const stop = await answering(amqpUrl, routeTable, 'pricing', priceAnswers(ports));
  return async () => {
    await stop();
    await scripts.close();
    await db.close();
  };
}

/** Products whose scripts wait so long, whatever they are. */
export function answerSlowly(amqpUrl: string, waitMs: number): Promise<Stop> {
  const ports: QuotingPorts = {
    readOffer: async () => ({ price: { amount: 100, currency: 'EUR' }, strategy: { name: 'slow', version: 'slow' } }),
    readSource: async () => 'slow',
    scripts: {
      async call(_, cases) {
        await clock.sleep(waitMs);
        return cases.map(({ quantity, price }) => quantity * price);
      },
      check: () => Promise.reject(new Error('nothing is tried here')),
    },
    log,
  };
  return answering(amqpUrl, routeTable, 'pricing', priceAnswers(ports));
}
