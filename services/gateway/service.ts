import { Counter, Histogram } from 'prom-client';
import { z } from 'zod';
import { createLoadShedding } from './load-shedding.ts';
import { createAsking } from './asking.ts';
import { createAudits } from './audits.ts';
import { createFaultControl } from './faults.ts';
import { createGateway } from './gateway-app.ts';
import { defaultSettings } from './gateway.ts';
import { neededByOrder } from './orders.ts';
import { createMongoRequests } from './model.ts';
import { createBoard, watchSnapshots } from './snapshot.ts';
import { storedViews } from './stored-views.ts';
import { createStream } from './stream.ts';
import type { RefusedBy } from './submit.ts';
import { watchSilence } from './silent-workers.ts';
import { startSweep } from './sweep.ts';
import { parseTokenKeys, problemsOfTokenKeys } from '#shared/web/tokens.ts';
import { waitOf } from './waiting.ts';
import { createRoll, watchWorkers } from './worker-roll.ts';
import { BREAKER_REPLY, breakerReplySchema } from '#services/circuit-breaker/contract.ts';
import { DEAD_LETTERS_REPLY, deadLettersReplySchema } from '#services/dead-letters/contract.ts';
import { deadLetterView } from '#services/dead-letters/view.ts';
import { ping, prepared } from '#shared/database/database.ts';
import { createMongoTableStore } from '#shared/partition/table-store.ts';
import type { Kit } from '#shared/host/kit.ts';
import { defineService } from '#shared/host/service.ts';

const config = {
  /** `kid:secret[,kid2:secret2]`, secrets of 32 bytes or more; the first one signs. Also as TOKEN_KEYS_FILE. */
  TOKEN_KEYS: z.string(),
  /** Requests at once before new ones are answered 429. */
  GATEWAY_MAX_IN_FLIGHT: z.coerce.number().int().min(1).default(defaultSettings.maxInFlight),
  /** Orders that are being taken at once, before 503. */
  GATEWAY_MAX_PLACING: z.coerce.number().int().min(1).default(defaultSettings.maxPlacing),
  /** How long messages may wait for their turn, ms, before fewer orders a second are taken; the others are answered 503. */
  GATEWAY_MAX_WAIT_MS: z.coerce.number().int().min(1).default(200),
  /** Requests of one customer a second, in this process; 0: no limit. */
  RATE_LIMIT_PER_S: z.coerce.number().min(0).default(defaultSettings.customerPerS),
  /** How many of them at once after a rest. */
  RATE_LIMIT_BURST: z.coerce.number().int().min(1).default(defaultSettings.customerBurst),
  /** Requests without a valid token from one address a second before they are answered 429; 0: no limit. */
  AUTH_FAILURES_PER_S: z.coerce.number().min(0).default(defaultSettings.failuresPerS),
  AUTH_FAILURES_BURST: z.coerce.number().int().min(1).default(defaultSettings.failuresBurst),
  /** How often requests that nobody settled are looked for. */
  GATEWAY_SWEEP_MS: z.coerce.number().int().min(100).default(3000),
};

/** Marking many dead letters is one write, but a long one. */
const MARKING_MS = 10_000;

/** The HTTP API. */
export const service = defineService({
  name: 'gateway',
  rights: {
    commands: ['order', 'saga', 'wallet'],
    asks: ['breaker', 'dead-letters'],
    injectsFaults: true,
    watchesWorkers: true,
    names: { read: ['breaker.snapshot'] },
  },
  config,
  rules: [({ TOKEN_KEYS }) => problemsOfTokenKeys(TOKEN_KEYS)],
  start(kit) {
    const { bus, db, clock, log } = kit;
    const tokens = parseTokenKeys(kit.config.TOKEN_KEYS);
    const requests = createMongoRequests(db, () => clock.now());
    const board = createBoard(clock);
    watchSnapshots(board, { bus, log });
    const roll = createRoll(clock, kit.config.WORKER_DEAD_AFTER_MS);
    const silence = watchSilence({ clock, log, deadAfterMs: kit.config.WORKER_DEAD_AFTER_MS });
    kit.onStop(async () => silence.close());
    watchWorkers([roll, silence], { bus, log });
    const copies = (name: string): number =>
      roll.all().filter(({ announcement }) => announcement.service === name).length;
    // A copy that does not answer is counted until it is known to be dead.
    const waitMs = kit.config.WORKER_DEAD_AFTER_MS + 1000;
    const faults = kit.config.FAULTS === 'on' ? createFaultControl({ bus, clock, log, waitMs, copies }) : undefined;
    const stream = createStream({ board, clock });
    kit.onStop(async () => stream.close());
    const reply = { replyKey: BREAKER_REPLY, reply: breakerReplySchema };
    const breaker = createAsking({ bus, clock, log, ...reply, waitMs: 2000 });
    const deadLetters = createAsking({
      bus,
      clock,
      log,
      replyKey: DEAD_LETTERS_REPLY,
      reply: deadLettersReplySchema,
      waitMs: MARKING_MS,
    });
    const letters = deadLetterView(db);
    const app = createGateway({
      bus,
      table: kit.table,
      board,
      stream,
      askBreaker: breaker.ask,
      audits: createAudits(kit, letters.openOf),
      deadLetters: { view: letters, ask: deadLetters.ask },
      workers: { roll, assignments: createMongoTableStore(db) },
      shedOrder: createLoadShedding({
        clock,
        log,
        mayWaitMs: kit.config.GATEWAY_MAX_WAIT_MS,
        waitedMs: () =>
          waitOf(roll, { routes: neededByOrder, now: clock.now(), heartbeatMs: kit.config.WORKER_HEARTBEAT_MS }),
      }),
      requests,
      tokens,
      clock,
      log,
      faults,
      views: storedViews(db),
      settings: {
        gateCycleMs: kit.config.GATE_CYCLE_MS,
        maxInFlight: kit.config.GATEWAY_MAX_IN_FLIGHT,
        maxPlacing: kit.config.GATEWAY_MAX_PLACING,
        customerPerS: kit.config.RATE_LIMIT_PER_S,
        customerBurst: kit.config.RATE_LIMIT_BURST,
        failuresPerS: kit.config.AUTH_FAILURES_PER_S,
        failuresBurst: kit.config.AUTH_FAILURES_BURST,
      },
      onAnswer: durations(kit),
      onRefused: refusals(kit),
    });
    kit.http(app.callback());
    kit.ready('database', () => ping(db));
    const sweep = startSweep({
      bus,
      requests,
      clock,
      log,
      everyMs: kit.config.GATEWAY_SWEEP_MS,
      publishMs: defaultSettings.publishMs,
    });
    kit.onStop(() => sweep.stop());
    const preparing = new AbortController();
    const indexes = prepared(requests.prepare, kit, preparing.signal).catch(() => {});
    kit.onStop(async () => {
      preparing.abort();
      await indexes;
    });
  },
});

function durations({
  metrics,
}: Pick<Kit<unknown>, 'metrics'>): (method: string, path: string, status: number, ms: number) => void {
  const histogram = new Histogram({
    name: 'switchyard_http_request_duration_seconds',
    help: 'Time to the answer, by endpoint and status',
    labelNames: ['method', 'path', 'status'],
    registers: [metrics],
  });
  return (method, path, status, ms) => histogram.observe({ method, path, status }, ms / 1000);
}

function refusals({ metrics }: Pick<Kit<unknown>, 'metrics'>): (route: string, by: RefusedBy) => void {
  const counter = new Counter({
    name: 'switchyard_requests_refused_total',
    help: 'Requests answered 503: by the gateway, which knew that the route is open; by the broker, which gave the message back; by load-shedding',
    labelNames: ['route', 'by'],
    registers: [metrics],
  });
  return (route, by) => counter.inc({ route, by });
}
