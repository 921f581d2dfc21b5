/** A route that answers questions, on either broker: its topology, workers and askers. */
import { z } from 'zod';
import type { BrokerWorld } from './broker-world.ts';
import { untilTrue } from './until.ts';
import type { Bus, Session, Topology } from '#shared/bus/bus.ts';
import { questionQueues, topologyOf, type RouteTable } from '#shared/bus/topology/topology.ts';
import { systemClock } from '#shared/clock.ts';
import { silentLog } from '#shared/log.ts';
import { createAsker, type Asker, type AskerOptions } from '#shared/question/asker.ts';
import {
  answerQuestion,
  question,
  type QuestionContext,
  type QuestionHandler,
  QuestionProblem,
} from '#shared/question/question.ts';
import { createResponder, type Responder, type ResponderOptions } from '#shared/question/responder.ts';

export const square = question('sums.square', {
  body: z.object({ key: z.string().max(200), n: z.int() }),
  key: (body) => body.key,
  answer: z.object({ square: z.int(), by: z.string(), traceparent: z.string().optional() }),
});

export const askedTable: RouteTable = {
  partitions: 4,
  routes: ['sums', 'other'],
  services: {
    sums: { route: 'sums', answersQuestions: true },
    other: { route: 'other' },
    door: { commands: ['sums'], questions: ['sums'] },
  },
};

/** Answers with the square; 13 is a problem, 0 breaks. */
export function squaring(by: string, meanwhile?: (context: QuestionContext) => Promise<void>): QuestionHandler {
  return answerQuestion(square, (body, context) => {
    const { n } = body;
    if (n === 13) throw new QuestionProblem('unlucky', 'not this one', { n });
    if (n === 0) throw new TypeError('no zero here');
    const { traceparent } = context;
    const answer = { square: n * n, by, ...(traceparent !== undefined && { traceparent }) };
    return meanwhile === undefined ? answer : meanwhile(context).then(() => answer);
  });
}

export interface QuestionWorld {
  readonly world: BrokerWorld;
  readonly session: Session;
  readonly queues: readonly string[];
  /** Registered on these queues; absent: on all. */
  worker(
    name: string,
    handler: QuestionHandler,
    queues?: readonly string[],
    options?: Partial<ResponderOptions>,
  ): Promise<Responder>;
  asker(name: string, options?: Partial<AskerOptions>): Promise<Asker>;
  /** What waits in the queues of questions. */
  depth(): Promise<number>;
  /** Resolves when nothing waits in any queue. */
  empty(): Promise<void>;
}

/** `ttlMs`: of questions, as an argument: a policy needs the management API. */
export async function questionWorld(world: BrokerWorld, ttlMs = 60_000): Promise<QuestionWorld> {
  const session = await world.session();
  await declare(session, topologyOf(askedTable, { ttlMs: 60_000, delayMs: 100 }, 'test'), ttlMs);
  const queues = questionQueues(askedTable, 'sums');
  const depth = async (): Promise<number> => {
    const depths = await Promise.all(queues.map((queue) => session.depth(queue)));
    return depths.reduce((sum, one) => sum + one, 0);
  };
  const buses = new Map<string, Bus>();
  return {
    world,
    session,
    queues,
    depth,
    empty: () => untilTrue(async () => (await depth()) === 0),
    async worker(name, handler, own = queues, options = {}) {
      const bus = await world.connect(name);
      const responder = createResponder({
        handlers: [handler],
        bus,
        clock: systemClock,
        log: silentLog,
        stateOf: async (key) => ({ key }),
        worker: name,
        ...options,
      });
      for (const queue of own) await responder.take(queue);
      return responder;
    },
    async asker(name, options = {}) {
      const bus = buses.get(name) ?? (await world.connect(name));
      buses.set(name, bus);
      await untilTrue(() => bus.connected);
      const asker = createAsker({ bus, clock: systemClock, log: silentLog, ...options });
      await asker.ready;
      return asker;
    },
  };
}

/** What questions and the commands beside them need of it: a quorum queue takes a broker its time. */
async function declare(session: Session, { exchanges, queues, bindings, gates }: Topology, ttlMs: number) {
  const isNeeded = (name: string): boolean =>
    /^(answers|sums\.(ask|asked|hash|in|half|expired|(ask\.)?\d{3}))$/.test(name);
  for (const exchange of exchanges) if (isNeeded(exchange.name)) await session.declareExchange(exchange);
  for (const queue of queues.filter(({ name }) => isNeeded(name))) {
    const ttl = queue.name.includes('.ask.') ? { 'x-message-ttl': ttlMs } : {};
    await session.declareQueue({ ...queue, arguments: { ...queue.arguments, ...ttl } });
  }
  for (const binding of [...bindings, ...gates.flatMap((gate) => gate.bindings)])
    if (isNeeded(binding.source) && isNeeded(binding.destination)) await session.bind(binding);
}
