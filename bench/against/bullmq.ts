/** The saga as jobs of BullMQ: each step a job in its participant's queue, which adds the next; what is learned travels in the job. */
import { contest } from './contestant.ts';
import { peer } from './package.ts';

interface Job {
  readonly data: { readonly orderId: string; readonly step: number; readonly content: string };
}

interface Closable {
  close(): Promise<unknown>;
}

const { Queue, Worker } = peer<{
  readonly Queue: new (
    name: string,
    options: object,
  ) => Closable & { add(name: string, data: Job['data']): Promise<unknown> };
  readonly Worker: new (
    name: string,
    run: (job: Job) => Promise<void>,
    options: object,
  ) => Closable & {
    waitUntilReady(): Promise<unknown>;
  };
}>('bullmq');

const CONCURRENCY = 100;

await contest(async ({ shape, url }, completed) => {
  const { steps } = shape;
  const routes = [...new Set(steps.map(({ route }) => route))];
  const { hostname: host, port } = new URL(url);
  const connection = { host, port: Number(port), enableAutoPipelining: true, maxRetriesPerRequest: null };
  const defaultJobOptions = { removeOnComplete: true, removeOnFail: true };
  const queues = new Map(routes.map((route) => [route, new Queue(route, { connection, defaultJobOptions })]));

  const add = (orderId: string, step: number): Promise<unknown> => {
    const { route, type, content } = steps[step]!;
    return queues.get(route)!.add(type, { orderId, step, content });
  };

  async function run({ data: { orderId, step, content } }: Job): Promise<void> {
    JSON.parse(content);
    if (step + 1 < steps.length) await add(orderId, step + 1);
    else completed(orderId);
  }

  const workers = routes.map((route) => new Worker(route, run, { connection, concurrency: CONCURRENCY }));
  await Promise.all(workers.map((worker) => worker.waitUntilReady()));
  return {
    place: (orderId) => add(orderId, 0),
    async close() {
      await Promise.all(workers.map((worker) => worker.close()));
      await Promise.all([...queues.values()].map((queue) => queue.close()));
    },
  };
});
