import { z } from 'zod';
import type { Bus, Packet } from '#shared/bus/bus.ts';
import { CONTROL } from '#shared/bus/topology/topology.ts';
import type { Clock } from '#shared/clock.ts';
import { controlPacket } from '#shared/control/answer.ts';
import type { Handler, Result } from '#shared/entity/entity.ts';
import type { Intercept } from '#shared/entity/options.ts';
import { reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';

const messageName = z.string().regex(/^[a-z-]+\.[a-z-]+$/, 'is not a message name like wallet.hold');

/** Routing key on the exchange `control` by which a service hears which faults to have. */
export const faultsOf = (service: string): string => `faults.${service}`;
/** Routing key of what it answers. */
export const FAULTS_APPLIED = 'faults-applied';

/** Faults that a service can be told to have; everything absent is off. Names are those of messages that it handles. */
export const faultsSchema = z.strictObject({
  pauseConsuming: z.boolean().optional().describe('Closes its channels: messages wait, and expire, in the queues.'),
  stopAnswering: z
    .boolean()
    .optional()
    .describe('Handles and commits, but sends no answer: neither the first nor any to a message that comes again.'),
  failRate: z
    .strictObject({
      numerator: z.int().min(0).describe('So many'),
      denominator: z.int().min(1).describe('of so many.'),
    })
    .optional()
    .describe('This fraction of handler runs throws.'),
  latencyMs: z.int().min(0).max(600_000).optional().describe('Every handler run takes this much longer, ms.'),
  refuseAt: z.array(messageName).max(50).optional().describe('These commands are refused without being handled.'),
  crashAt: z.array(messageName).max(50).optional().describe('The handlers of these messages throw, each time.'),
  exitAt: z
    .array(messageName)
    .max(50)
    .optional()
    .describe('The process ends, once, after the handler of one of these ran and before its commit.'),
});
export type Faults = z.infer<typeof faultsSchema>;

/** Without `faults` it only asks which there are. */
const order = z.object({
  id: z.string().describe('Chosen when the order is accepted; ids sort by time.'),
  service: z.string(),
  faults: faultsSchema.optional(),
});

/** What a copy of a service answers on `control`: the faults that it has now, or why it did not take those that it was told. */
export const faultsReply = z.object({
  id: z.string(),
  service: z.string(),
  faults: faultsSchema.optional(),
  problem: z.string().optional(),
});
export type FaultsReply = z.infer<typeof faultsReply>;

export interface FaultInjection {
  readonly intercept: Intercept;
  /** The bus for an engine: takes answers and loses them while answering is stopped. */
  mute(bus: Bus): Bus;
  /** Starts to listen to `control`; `onPause` is told whenever consuming is to stop or go on. */
  listen(bus: Bus, onPause: (paused: boolean) => Promise<void>): Promise<void>;
}

/** Fault injection for one service, off until it is told otherwise over the `control` exchange. */
export function createFaults(
  service: string,
  options: {
    readonly clock: Clock;
    readonly log: Log;
    readonly exit: () => void;
    /** Names of the messages that it handles; a fault at another one would never come to be. */
    readonly handles: () => readonly string[];
  },
): FaultInjection {
  const { clock, log } = options;
  let faults: Faults = {};

  const intercept: Intercept = (handler, state, context, run) => {
    const name = context.message.type;
    if (faults.latencyMs !== undefined) {
      const { latencyMs } = faults;
      return clock.sleep(latencyMs, context.signal).then(() => inject(name, handler, state, context, run));
    }
    return inject(name, handler, state, context, run);
  };

  function inject<State>(...[name, handler, state, context, run]: [string, ...Parameters<typeof intercept<State>>]) {
    if (faults.crashAt?.includes(name)) throw new Error(`fault injected: ${service} crashes at ${name}`);
    if (faults.failRate !== undefined && clock.random() < faults.failRate.numerator / faults.failRate.denominator) {
      throw new Error(`fault injected: ${service} fails now and then`);
    }
    if (faults.refuseAt?.includes(name)) {
      const refusal = refusalOf(handler, context.message.body);
      if (refusal !== undefined) return { state: state as State, send: [context.answer(refusal.type, refusal.body)] };
    }
    const result = run();
    if (faults.exitAt?.includes(name)) {
      void Promise.resolve(result).then(options.exit);
      return Promise.withResolvers<Result<State>>().promise;
    }
    return result;
  }

  function strangersIn({ refuseAt = [], crashAt = [], exitAt = [] }: Faults): string | undefined {
    const handled = options.handles();
    const strange = [...new Set([...refuseAt, ...crashAt, ...exitAt])].filter((name) => !handled.includes(name));
    if (strange.length === 0) return undefined;
    return `${service} handles no ${strange.join(', ')}; it handles ${handled.toSorted().join(', ')}`;
  }

  return {
    intercept,
    mute(bus) {
      return {
        publish: (exchange, packet, routingKey) =>
          faults.stopAnswering && isAnswer(exchange, packet)
            ? Promise.resolve()
            : bus.publish(exchange, packet, routingKey),
        consume: (queue, consumeOptions) => bus.consume(queue, consumeOptions),
        subscribe: (exchange, routingKeys, onPacket) => bus.subscribe(exchange, routingKeys, onPacket),
        post: (onReturned) => bus.post(onReturned),
        session: () => bus.session(),
        get connected() {
          return bus.connected;
        },
        get blocked() {
          return bus.blocked;
        },
        close: () => bus.close(),
      };
    },
    async listen(bus, onPause) {
      await bus.subscribe(CONTROL, [faultsOf(service)], (packet) => {
        void apply(packet.content).catch((error: unknown) =>
          log.warn('fault order refused', { reason: reasonOf(error) }),
        );
      });

      async function apply(content: Buffer): Promise<void> {
        const { id, faults: wanted } = order.parse(JSON.parse(content.toString('utf8')));
        const problem = wanted && strangersIn(wanted);
        if (wanted !== undefined && problem === undefined) await set(wanted);
        const reply: FaultsReply = { id, service, faults, problem };
        const packet = controlPacket(reply);
        await bus.publish(CONTROL, packet, FAULTS_APPLIED);
      }

      async function set(wanted: Faults): Promise<void> {
        const pausedBefore = faults.pauseConsuming ?? false;
        faults = wanted;
        log.warn('faults set', { faults });
        if (pausedBefore !== (wanted.pauseConsuming ?? false)) await onPause(wanted.pauseConsuming ?? false);
      }
    },
  };
}

/** Commands have no `>` in their id, and news goes to `events`. */
function isAnswer(exchange: string, { messageId }: Packet): boolean {
  return exchange.endsWith('.hash') && (messageId?.includes('>') ?? false);
}

/** A refusal of this command with a body that its schema accepts: fields taken from the command, the first reason that is allowed. */
function refusalOf<State>(handler: Handler<State> | undefined, body: unknown) {
  const refused = handler?.type.kind === 'command' ? handler.type.refused : undefined;
  if (refused === undefined || !(refused.body instanceof z.ZodObject)) return undefined;
  const given = body as Record<string, unknown>;
  const fields = Object.entries(refused.body.shape).map(([field, schema]) => {
    if (field !== 'reason') return [field, given[field]];
    return [field, schema instanceof z.ZodEnum ? schema.options[0] : 'refused_by_fault_injection'];
  });
  return { type: refused, body: Object.fromEntries(fields) as unknown };
}
