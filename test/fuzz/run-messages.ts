import fc from 'fast-check';
import { type Hosted, type MessagesWorld, startMessagesWorld } from './messages-world.ts';
import { packetFor } from './packets.ts';
import type { Packet } from '#shared/bus/bus.ts';
import { hash } from '#shared/bus/topology/topology.ts';
import { WAKE } from '#shared/message.ts';

const PER_WORLD = 1000;
/** Says in a dead letter which packet it was. */
const MARK = 'fuzz';

export interface MessageReport {
  readonly messages: number;
  /** `handled`, `late`, `woken`, `dead`, and `expired`: in the breaker's hands. */
  readonly fates: Readonly<Record<string, number>>;
  /** Why they died, ids and values taken out. */
  readonly reasons: ReadonlyMap<string, number>;
}

interface Sent {
  readonly packet: Packet;
  readonly host: Hosted;
}

/** Throws with the packet when one is neither handled nor a dead letter with a reason, or an engine stops to work. */
export async function fuzzMessages(options: {
  readonly messages: number;
  readonly seed: number;
}): Promise<MessageReport> {
  const { messages, seed } = options;
  const fates: Record<string, number> = {};
  const reasons = new Map<string, number>();
  for (let from = 0; from < messages; from += PER_WORLD) {
    const count = Math.min(PER_WORLD, messages - from);
    const chunk = seed + from / PER_WORLD;
    const world = await startMessagesWorld(chunk);
    const sent = await send(world, count, chunk);
    const unsettled = await atRest(world);
    const dead = new Map(
      world.hosts.flatMap(({ route }) => world.deadOf(route).map((packet) => [packet.headers[MARK], packet] as const)),
    );
    /** A copy that came while the first one waited in its key's stash is acknowledged: what becomes of that one counts for both. */
    const sameId = new Map(
      world.hosts.flatMap(({ route }) =>
        world.deadOf(route).map((packet) => [`${route} ${packet.messageId}`, packet] as const),
      ),
    );
    const expired = new Set(
      world.hosts.flatMap(({ route }) => world.expiredOf(route).map((packet) => packet.headers[MARK])),
    );
    for (const [mark, one] of sent.entries()) {
      const letter = dead.get(mark) ?? sameId.get(`${one.host.route} ${one.packet.messageId}`);
      const fate = fateOf(world, one, letter) ?? (expired.has(mark) ? 'expired' : undefined);
      if (fate === undefined)
        throw new Error(`lost, message ${mark} of seed ${chunk}: ${shown(one.packet)}\n${unsettled.join('\n')}`);
      fates[fate] = (fates[fate] ?? 0) + 1;
      if (letter !== undefined) {
        const reason = plain(String(letter.headers['dead-reason']));
        reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      }
    }
    if (unsettled.length > 0) throw new Error(`not settled after 15 min, seed ${chunk}\n${unsettled.join('\n')}`);
    await stillWork(world, chunk);
    world.broker.close();
  }
  return { messages, fates, reasons };
}

async function send(world: MessagesWorld, count: number, seed: number): Promise<readonly Sent[]> {
  const sent: Sent[] = [];
  const any = fc.oneof(
    ...world.hosts.map((host) => packetFor(host.handlers, world.clock.now()).map((packet) => ({ packet, host }))),
  );
  for (const { packet, host } of fc.sample(any, { numRuns: count, seed })) {
    const marked = { ...packet, headers: { ...packet.headers, [MARK]: sent.length } };
    const outcome = world.broker.put(hash(host.route), marked);
    if (outcome !== 'confirmed') throw new Error(`the broker ${outcome} ${shown(packet)}`);
    sent.push({ packet: marked, host });
    if (sent.length % 20 === 0) await world.clock.advance(5);
  }
  return sent;
}

/** What is still not off the queues and out of the stashes after a quarter of an hour; sagas may go on for longer. */
async function atRest({ clock, waiting, broker, hosts }: MessagesWorld): Promise<readonly string[]> {
  const until = clock.now() + 900_000;
  await clock.settle();
  while (waiting() > 0 && clock.now() < until) await clock.advance(20);
  return hosts.flatMap(({ route, store }) => [
    ...broker
      .queues()
      .filter((queue) => queue.startsWith(`${route}.0`) && broker.queue(queue).unacked > 0)
      .map((queue) => `${queue}: ${broker.queue(queue).unacked} in hand`),
    ...[...store.documents.values()].flatMap(({ stash }) => stash.map((one) => `stashed: ${JSON.stringify(one)}`)),
  ]);
}

function fateOf({ late }: MessagesWorld, { packet, host }: Sent, letter: Packet | undefined): string | undefined {
  if (letter !== undefined) return letter.headers['dead-reason'] ? 'dead' : undefined;
  const { messageId = '' } = packet;
  if (host.handled.has(messageId)) return 'handled';
  if (late.has(messageId)) return 'late';
  if (packet.type === WAKE) return 'woken';
  // Nobody asked to be told.
  const { deadline } = packet.headers;
  return typeof deadline === 'number' && packet.headers['reply-route'] === undefined ? 'late' : undefined;
}

/** Of some more for each entity some are handled after all that. */
async function stillWork(world: MessagesWorld, seed: number): Promise<void> {
  for (const host of world.hosts) {
    const before = host.handled.size;
    const valid = fc
      .sample(packetFor(host.handlers, world.clock.now()), { numRuns: 200, seed })
      .map((packet, index) => ({ ...packet, messageId: `last-${index}` }));
    for (const packet of valid) world.broker.put(hash(host.route), packet);
    await atRest(world);
    if (host.handled.size === before) throw new Error(`${host.route} handles nothing any more`);
  }
}

function plain(reason: string): string {
  return reason.replaceAll(/"[^"]*"|\d+|\/[\w/-]*/g, '…').slice(0, 90);
}

function shown({ content, ...rest }: Packet): string {
  return `${JSON.stringify(rest).slice(0, 600)} ${content.toString().slice(0, 600)}`;
}
