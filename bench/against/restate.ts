/** The saga as a durable handler of Restate: each step a durable call of its participant's service. */
import { Agent, request } from 'node:http';
import { contest } from './contestant.ts';
import { peer } from './package.ts';
import { anyFreePort } from '#local/stack/ports.ts';

interface Call {
  readonly service: string;
  readonly method: string;
  readonly parameter: unknown;
  readonly inputSerde: unknown;
  readonly outputSerde: unknown;
}

interface Context {
  genericCall(call: Call): Promise<unknown>;
}

interface Restate {
  service(definition: {
    readonly name: string;
    readonly handlers: Readonly<Record<string, (context: Context, input: unknown) => Promise<unknown>>>;
  }): unknown;
  serve(options: { readonly services: readonly unknown[]; readonly port: number }): Promise<number>;
  readonly serde: { readonly json: unknown };
}

const restate = peer<Restate>('@restatedev/restate-sdk');

await contest(async ({ shape, url }, completed) => {
  const { steps } = shape;
  const json = restate.serde.json;
  const step = async (_context: Context, input: unknown): Promise<unknown> => ({ done: true, input });
  const participants = [...new Set(steps.map(({ route }) => route))].map((name) =>
    restate.service({ name, handlers: { step } }),
  );
  const road = restate.service({
    name: 'road',
    handlers: {
      async place(context) {
        for (const { route, content } of steps) {
          const parameter: unknown = JSON.parse(content);
          const serdes = { inputSerde: json, outputSerde: json };
          await context.genericCall({ service: route, method: 'step', parameter, ...serdes });
        }
        return { completed: true };
      },
    },
  });
  const port = await anyFreePort();
  await restate.serve({ services: [...participants, road], port });
  const { ingress, admin } = JSON.parse(url) as { readonly ingress: string; readonly admin: string };
  const answer = await fetch(`${admin}/deployments`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ uri: `http://127.0.0.1:${port}`, force: true }),
  });
  if (!answer.ok) throw new Error(`Restate takes no deployment: ${answer.status} ${await answer.text()}`);
  const agent = new Agent({ keepAlive: true });
  return {
    async place(orderId) {
      await post(agent, `${ingress}/road/place`, { orderId });
      completed(orderId);
    },
    close: async () => agent.destroy(),
  };
});

function post(agent: Agent, url: string, body: object): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const headers = { 'content-type': 'application/json' };
  const asked = request(url, { agent, method: 'POST', headers }, (response) => {
    response.resume().on('end', () => {
      if (response.statusCode === 200) resolve();
      else reject(new Error(`Restate answered ${response.statusCode}`));
    });
  });
  asked.on('error', reject).end(JSON.stringify(body));
  return promise;
}
