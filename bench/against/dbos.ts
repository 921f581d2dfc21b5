/** The saga as a workflow of DBOS in PostgreSQL: what each step gave is written before the next begins. */
import { contest } from './contestant.ts';
import { peer } from './package.ts';

interface Dbos {
  setConfig(config: object): void;
  launch(): Promise<void>;
  shutdown(): Promise<void>;
  registerWorkflow(run: (orderId: string) => Promise<void>, options: object): (orderId: string) => Promise<void>;
  runStep<Result>(run: () => Promise<Result>, options: { readonly name: string }): Promise<Result>;
}

const { DBOS } = peer<{ readonly DBOS: Dbos }>('@dbos-inc/dbos-sdk');
const CONNECTIONS = 20;

await contest(async ({ shape, url }, completed) => {
  const place = DBOS.registerWorkflow(
    async () => {
      for (const { type, content } of shape.steps) {
        await DBOS.runStep(async () => JSON.parse(content) as unknown, { name: type });
      }
    },
    { name: 'road' },
  );
  DBOS.setConfig({
    name: 'bench',
    systemDatabaseUrl: url,
    systemDatabasePoolSize: CONNECTIONS,
    logLevel: 'error',
    runAdminServer: false,
  });
  await DBOS.launch();
  return {
    async place(orderId) {
      await place(orderId);
      completed(orderId);
    },
    close: () => DBOS.shutdown(),
  };
});
