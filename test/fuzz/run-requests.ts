import fc from 'fast-check';
import { CARD } from './arbitraries.ts';
import { type GatewayWorld, type Reply, startGatewayWorld, type WorldOptions } from './gateway-world.ts';
import { malformed } from './malformed.ts';
import { type Generated, requestsTo } from './requests.ts';
import { problemTypes } from '#shared/web/problem-types.ts';
import { contractCommands } from '#test/support/contract-modules.ts';
import { encode } from '#shared/bus/envelope.ts';

/** What is kept in memory is looked through after each request, so worlds do not grow old. */
const PER_WORLD = 2000;
const commands = new Map(contractCommands.map((command) => [command.name, command.body]));

export interface RequestReport {
  readonly requests: number;
  readonly malformed: number;
  /** By status. */
  readonly answers: Readonly<Record<number, number>>;
  /** What the accepted ones became. */
  readonly published: number;
}

/** Throws with the request, shrunk, and its seed when an answer is a fault or a refusal leaves something behind. */
export async function fuzzRequests(options: {
  readonly requests: number;
  readonly seed: number;
  /** To read is all that is tried. */
  readonly reading?: WorldOptions;
}): Promise<RequestReport> {
  const { requests, seed, reading } = options;
  const answers: Record<number, number> = {};
  let published = 0;
  let bytes = 0;
  for (let from = 0; from < requests; from += PER_WORLD) {
    const world = await startGatewayWorld(reading);
    const endpoints = world.endpoints.filter(({ method }) => reading === undefined || method === 'GET');
    const count = Math.min(PER_WORLD, requests - from);
    const chunk = seed + from / PER_WORLD;
    try {
      await fc.assert(
        fc.asyncProperty(requestsTo(endpoints, world.material), async (request) => {
          const { status } = await judged(world, request);
          answers[status] = (answers[status] ?? 0) + 1;
        }),
        { numRuns: count, seed: chunk, ...reporting },
      );
      await fc.assert(
        fc.asyncProperty(malformed(world.material.tokens.alice), async (text) => {
          const before = world.done();
          const received = await world.sendBytes(text);
          bytes += 1;
          if (received.startsWith('HTTP/1.1 5')) throw new Error(received);
          if (!received.startsWith('HTTP/1.1 2') && world.done() !== before)
            throw new Error(`something was done: ${received}`);
        }),
        { numRuns: Math.ceil(count / 50), seed: chunk, ...reporting },
      );
      await judgeAll(world);
      published += world.bus.published.length;
    } finally {
      await world.stop();
    }
  }
  return { requests, malformed: bytes, answers, published };
}

const reporting = { endOnFailure: false, interruptAfterTimeLimit: 600_000, markInterruptAsFailure: true } as const;

async function judged(world: GatewayWorld, request: Generated): Promise<Reply> {
  const before = world.done();
  const reply = await world.send(request);
  const { status, text, headers } = reply;
  if (status >= 500) throw new Error(`${status} ${text}\n${world.lines.slice(-3).join('\n')}`);
  if (text.includes(CARD)) throw new Error(`the answer repeats a card number: ${status} ${text}`);
  if (status < 400) return reply;
  if (world.done() !== before) throw new Error(`${status}, but something was done: ${text}`);
  if (request.method === 'HEAD') return reply;
  const problem = JSON.parse(text) as { type?: string; status?: number; traceId?: string; detail?: string };
  const slug = problem.type?.slice('/problems/'.length) as keyof typeof problemTypes;
  if (
    headers['content-type'] !== 'application/problem+json' ||
    problemTypes[slug]?.status !== status ||
    problem.status !== status ||
    !problem.traceId ||
    !problem.detail
  )
    throw new Error(`no problem document: ${status} ${text}`);
  return reply;
}

/** What was taken is valid for its owner, no card got in or into the log, and the gateway still takes orders. */
async function judgeAll(world: GatewayWorld): Promise<void> {
  for (const { message } of world.bus.published) {
    encode(message);
    const parsed = commands.get(message.type)?.safeParse(message.body);
    if (!parsed?.success) throw new Error(`its owner does not take ${JSON.stringify(message)}`);
  }
  const kept = JSON.stringify([world.requests.all(), world.bus.published]);
  if (kept.includes(CARD)) throw new Error('a card number was stored');
  const line = world.lines.find((one) => one.includes(CARD));
  if (line !== undefined) throw new Error(`a card number was logged: ${line}`);
  const failed = world.lines.find((one) => one.startsWith('a request failed') || one.startsWith('request failed'));
  if (failed !== undefined) throw new Error(failed);
  const { status } = await world.order();
  if (status !== 202) throw new Error(`a valid order afterwards is answered ${status}`);
}
