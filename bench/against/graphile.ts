/** The saga as jobs of graphile-worker in PostgreSQL: each step a job that adds the next. */
import { contest } from './contestant.ts';
import { peer } from './package.ts';

interface Payload {
  readonly orderId: string;
  readonly step: number;
  readonly content: string;
}

interface Runner {
  stop(): Promise<void>;
  addJob(task: string, payload: Payload): Promise<unknown>;
}

const { run, Logger } = peer<{
  run(options: object): Promise<Runner>;
  readonly Logger: new (factory: () => () => void) => unknown;
}>('graphile-worker');

const CONCURRENCY = 50;
const CONNECTIONS = 30;
const FETCHED_AT_ONCE = 200;

await contest(async ({ shape, url }, completed) => {
  const { steps } = shape;
  let runner: Runner | undefined;
  const add = async (orderId: string, step: number): Promise<void> => {
    const { type, content } = steps[step]!;
    await runner?.addJob(type, { orderId, step, content });
  };
  const task = async ({ orderId, step }: Payload): Promise<void> => {
    if (step + 1 < steps.length) await add(orderId, step + 1);
    else completed(orderId);
  };
  runner = await run({
    taskList: Object.fromEntries(steps.map(({ type }) => [type, task])),
    noHandleSignals: true,
    logger: new Logger(() => () => {}),
    preset: {
      worker: {
        connectionString: url,
        concurrentJobs: CONCURRENCY,
        maxPoolSize: CONNECTIONS,
        pollInterval: 100,
        localQueue: { size: FETCHED_AT_ONCE },
        completeJobBatchDelay: 0,
      },
    },
  });
  const running = runner;
  return { place: (orderId) => add(orderId, 0), close: () => running.stop() };
});
