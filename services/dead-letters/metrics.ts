import { Gauge, type Registry } from 'prom-client';
import { letterStateSchema } from './contract.ts';
import type { LetterStore } from './store.ts';

/** What the database holds, read at every scrape; while it does not answer, what it held before. Copies all tell the same. */
export function letterGauge(
  registry: Registry,
  store: Pick<LetterStore, 'counts'>,
  routes: readonly string[],
  now: () => number,
): void {
  new Gauge({
    name: 'switchyard_dead_letters',
    help: 'Dead letters kept, by route and state; obsolete: dead, and past its deadline or of an order that has ended; every copy of the service tells the same number',
    labelNames: ['route', 'state'],
    registers: [registry],
    async collect() {
      const counts = await store.counts(new Date(now())).catch(() => undefined);
      if (counts === undefined) return;
      this.reset();
      for (const route of routes)
        for (const state of [...letterStateSchema.options, 'obsolete']) this.set({ route, state }, 0);
      for (const { route, state, count } of counts) this.set({ route, state }, count);
    },
  });
}
