/** A worker of payment whose handlers wait, as a process of the benchmark: joins and leaves when its parent says so. */
import { createConnection } from 'mongoose';
import { paymentsCollection } from '#services/payment/model.ts';
import { paymentEntity } from '#services/payment/payment.ts';
import { routeTable } from '#services/services.ts';
import { connectAmqp } from '#shared/bus/amqp/amqp-bus.ts';
import { systemClock as clock } from '#shared/clock.ts';
import { readConfig } from '#shared/host/config.ts';
import { entityVariables, processVariables } from '#shared/host/variables.ts';
import { hostEntity } from '#shared/host/hosting.ts';
import { silentLog as log } from '#shared/log.ts';
import { createRegistry } from '#shared/host/metrics.ts';

export interface WorkersProcessOptions {
  readonly worker: string;
  /** Of the service. */
  readonly environment: Readonly<Record<string, string>>;
  /** What a handler waits. */
  readonly waitMs: number;
}

const { worker, environment, waitMs } = JSON.parse(process.argv[2] ?? '{}') as WorkersProcessOptions;
const config = readConfig({ ...processVariables, ...entityVariables }, environment);
const db = await createConnection(config.MONGO_URL).asPromise();
const nobody = (): never => {
  throw new Error('only payments are created here');
};
let leave = async (): Promise<void> => {};

async function join(): Promise<void> {
  const bus = connectAmqp({ url: config.AMQP_URL, name: worker, clock, log });
  const hosted = await hostEntity({
    entity: paymentEntity({ provider: { authorize: nobody, capture: nobody, void: nobody, refund: nobody } }),
    documents: { collection: paymentsCollection },
    service: 'payment',
    worker,
    table: routeTable,
    config,
    bus,
    db,
    clock,
    log,
    metrics: createRegistry(worker),
    async intercept(_handler, _state, _context, run) {
      await clock.sleep(waitMs);
      return run();
    },
  });
  leave = async () => {
    await hosted.drain(5000);
    await bus.close();
  };
  while (!hosted.ready) await clock.sleep(20);
}

const deeds: Readonly<Record<string, () => Promise<void>>> = {
  join,
  leave: () => leave(),
};
process.on('message', (deed: string) => {
  void deeds[deed]?.().then(() => process.send?.(deed));
});
process.on('disconnect', () => process.exit(0));
process.send?.('started');
