/** The gateway on its own HTTP server, everything behind it in memory, and what a request may have done counted. */
import { Agent, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { Registry } from 'prom-client';
import type { z } from 'zod';
import { createMemoryActs } from '#test/services/console/acts-world.ts';
import { aBreaker, aSnapshot } from '#test/services/console/breaker-world.ts';
import { aLetter, createFakeLetters } from '#test/services/console/letters-world.ts';
import { keys, placedOrder, startWorld } from '#test/services/gateway/world.ts';
import { goodAt } from '#test/support/goods.ts';
import { WORDS, type Material, type Generated } from './requests.ts';
import type { BreakerQueries } from '#services/circuit-breaker/view.ts';
import type { AskBreaker } from '#services/console/breakers.ts';
import type { AuditRequest } from '#services/audit/contract.ts';
import type { Audits } from '#services/console/audits.ts';
import { auditNames } from '#services/audit/sources.ts';
import { price as basketPrice } from '#services/basket/contract.ts';
import { tryStrategy } from '#services/pricing/contract.ts';
import { services } from '#services/services.ts';
import type { DeadLetters } from '#services/console/dead-letters.ts';
import { signToken } from '#shared/web/tokens.ts';
import { clockFrom, systemClock } from '#shared/clock.ts';
import { serveHttp } from '#shared/host/health.ts';
import type { Log } from '#shared/log.ts';
import { type Ask, QuestionError } from '#shared/question/question.ts';

export interface WorldOptions {
  readonly views?: Readonly<Record<string, unknown>>;
  readonly transitions?: BreakerQueries['transitions'];
  readonly letterView?: DeadLetters['view'];
  readonly cursors?: readonly string[];
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** `views`: in the place of those in memory; `cursors`: to be tried besides. */
export async function startGatewayWorld({ views = {}, transitions, letterView, cursors = [] }: WorldOptions = {}) {
  const lines: string[] = [];
  const write = (text: string, fields?: object): void => void lines.push(`${text} ${JSON.stringify(fields)}`);
  const log: Log = { debug: write, info: write, warn: write, error: write, with: () => log };
  let changes = 0;
  const breaker = aBreaker('payment');
  const askBreaker: AskBreaker = async (_, question) => {
    if (!['parked', 'partitions'].includes(String((question as { kind?: string }).kind))) changes += 1;
    return { id: question.id, ok: true, breaker, parked: [] };
  };
  const faults = { apply: async () => void (changes += 1), read: async () => ({}), close: async () => {} };
  const letters = createFakeLetters([aLetter('l1'), aLetter('l2', { state: 'discarded' })]);
  const deadLetters: DeadLetters = {
    ...letters,
    view: letterView ?? letters.view,
    async ask(key, question) {
      const reply = await letters.ask(key, question);
      if (reply.ok) changes += reply.selected;
      return reply;
    },
  };
  const audits: Audits = {
    names: auditNames(services),
    async ask(_, question) {
      const { id, kind } = question as unknown as AuditRequest;
      if (kind === 'start') changes += 1;
      const reply = kind === 'list' ? { audits: [] } : { audit: anAudit };
      return { id, ok: true, ...reply };
    },
  };
  const world = await startWorld({
    log,
    views: { category: noCategories, ...views },
    goods: WORDS.map((sku) => goodAt(1299, 'EUR', sku)),
    ...(transitions && { transitions }),
    faults,
    askBreaker,
    deadLetters,
    audits,
    acts: createMemoryActs(),
    ask: askOwners,
    settings: { outcomeMs: 1, customerPerS: 0, failuresPerS: 0 },
  });
  world.board.take(aSnapshot([breaker, aBreaker('wallet')], world.clock.now()));
  for (const id of ['o1', 'o3', 'o4', 'o5']) world.orders.set(id, placedOrder(id, 'alice'));
  world.orders.set('o2', placedOrder('o2', 'bob'));
  world.wallets.set('alice', { customerId: 'alice' });
  const server = await serveHttp({
    host: '127.0.0.1',
    port: 0,
    checks: new Map(),
    metrics: new Registry(),
    log,
    listener: () => world.listener,
  });
  const port = Number(new URL(server.url).port);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });

  const day = 86_400;
  const past = clockFrom({ ...systemClock, now: () => Date.now() - 2 * day * 1000 });
  const customer = (subject: string) => signToken({ subject, role: 'customer', expiresInS: day }, keys);
  const tokens = {
    alice: await customer('alice'),
    bob: await customer('bob'),
    root: await signToken({ subject: 'root', role: 'operator', expiresInS: day }, keys),
    expired: await signToken({ subject: 'root', role: 'operator', expiresInS: day }, keys, past),
  };

  function send({ method, target, headers, body }: Generated): Promise<Reply> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const outgoing = httpRequest(
      { agent, host: '127.0.0.1', port, method, path: target, headers: { ...headers, ...length } },
      (incoming) => {
        const chunks: Buffer[] = [];
        const reply = (): void =>
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            text: Buffer.concat(chunks).toString(),
          });
        incoming.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          if (incoming.headers['content-type'] !== 'text/event-stream') return;
          incoming.destroy();
          reply();
        });
        incoming.on('end', reply);
        incoming.on('error', reply);
      },
    );
    outgoing.setTimeout(10_000, () => outgoing.destroy(new Error('no answer within 10 s')));
    outgoing.on('error', reject);
    outgoing.end(body);
    return promise;
  }

  /** Bytes as they are, then the end; what came back until the server closed. */
  function sendBytes(bytes: string): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const socket = connect(port, '127.0.0.1');
    let received = '';
    socket.setTimeout(5000, () => {
      socket.destroy();
      reject(new Error(`the connection stays open after ${JSON.stringify(bytes.slice(0, 100))}`));
    });
    socket.on('data', (chunk) => void (received += chunk.toString('latin1')));
    socket.on('error', () => {}); // a reset is an answer as well
    socket.on('close', () => resolve(received));
    socket.end(bytes, 'latin1');
    return promise;
  }

  const headers = { authorization: `Bearer ${tokens.alice}` };
  const first = await send({ method: 'GET', target: '/v1/orders?limit=1', headers });
  const { nextCursor } = JSON.parse(first.text) as { nextCursor?: string };
  const given = nextCursor === undefined ? [] : [nextCursor];
  const nobodys = Buffer.from('abcdefgh1').toString('base64url');
  const material: Material = { tokens, cursors: [...given, nobodys, ...cursors] };

  return {
    ...world,
    material,
    lines,
    send,
    sendBytes,
    /** All that requests have changed or asked for. */
    done: (): number => changes + world.requests.all().length + world.bus.published.length,
    async stop() {
      agent.destroy();
      await server.close(0);
      await world.stop();
    },
  };
}

/** Everything costs its price; a strategy tried is always fine. */
const askOwners: Ask = async (type, body) => {
  const price = { amount: 1299, currency: 'EUR' };
  const strategy = { name: 'plain', version: 'plain' };
  const owners: Readonly<Record<string, (asked: never) => object>> = {
    [basketPrice.name]: ({ lines }: z.output<typeof basketPrice.body>) => ({
      total: { ...price, amount: lines.reduce((sum, { quantity }) => sum + quantity * price.amount, 0) },
      lines: lines.map((line) => ({ ...line, unitPrice: price, amount: line.quantity * price.amount, strategy })),
    }),
    [tryStrategy.name]: ({ cases }: z.output<typeof tryStrategy.body>) => ({
      version: 'a'.repeat(40),
      amounts: cases.map(({ quantity, price: each }) => quantity * each),
      microseconds: cases.map(() => 1),
      warnings: [],
    }),
  };
  const owner = owners[type.name];
  if (owner === undefined) throw new QuestionError('unheard', type, 'nobody here knows it');
  return type.answer.parse(owner(body as never));
};

export type GatewayWorld = Awaited<ReturnType<typeof startGatewayWorld>>;

const noCategories = {
  find: async () => undefined,
  list: async () => ({ items: [] }),
  existing: async () => [],
  outcome: async () => undefined,
};

const anAudit = {
  id: 'a1',
  state: 'done',
  startedAt: '2026-01-01T00:00:00.000Z',
  endedAt: '2026-01-01T00:00:00.000Z',
  limit: 1,
  hangingAfterMs: 1,
  graceMs: 1,
  checked: { orders: 0, wallets: 0, entries: 0, readAgain: 0 },
  violations: 0,
  byCheck: {},
  items: [],
  totals: [],
} as const;
