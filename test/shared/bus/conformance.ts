import type { TestFn } from 'ava';
import type { Run } from './conformance-run.ts';
import { consuming } from './conformance-consuming.ts';
import { publishing } from './conformance-publishing.ts';
import { topology } from './conformance-topology.ts';
import type { BrokerWorld } from '#test/support/broker-world.ts';

/** What every implementation of the bus must do. Each test has a broker to itself. */
export function conformance(test: TestFn, open: () => Promise<BrokerWorld>): void {
  const run: Run = (title, body) =>
    test(title, async (t) => {
      const world = await open();
      try {
        await body(t, world);
      } finally {
        await world.close();
      }
    });
  publishing(run);
  consuming(run);
  topology(run);
}
