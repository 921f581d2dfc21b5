/** Whatever somebody sends to a service, for a day: what is stored of each key stays small, and comes to an end. */
import { globSync } from 'node:fs';
import test from 'ava';
import { details } from '#test/services/saga/cases.ts';
import { residents } from '#test/town/residents.ts';
import { createRoad, type Road } from '#test/town/road.ts';
import { largest } from '#test/support/schema-walk.ts';
import { paymentIdOf } from '#services/payment/contract.ts';
import { holdIdOf } from '#services/wallet/contract.ts';
import { encode } from '#shared/bus/envelope.ts';
import { hash } from '#shared/bus/topology/topology.ts';
import { TOO_LATE, type CommandType, type Message } from '#shared/message.ts';

const LIMIT = 64 * 1024;
const HOURS = 24;
const HOUR_MS = 3_600_000;
const COPIES = 10;
const root = new URL('../../', import.meta.url);
const contracts = await Promise.all(
  globSync('services/*/contract.ts', { cwd: root }).map(
    async (file) => (await import(new URL(file, root).href)) as object,
  ),
);
const commands = contracts.flatMap((contract) => Object.values(contract).filter(isCommand));

function isCommand(value: unknown): value is CommandType {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'command';
}

/** About this order, or about one that never was; all else is as long as it may be, and the same every time. */
function bodyOf(type: CommandType, orderId: string, letter: string): Record<string, unknown> {
  const body = largest(type.body, letter) as Record<string, unknown>;
  const names = { orderId, paymentId: paymentIdOf(orderId), holdId: holdIdOf(orderId), customerId: details.customerId };
  const given = Object.entries(names).filter(([name]) => name in body);
  return type.body.parse({ ...body, ...Object.fromEntries(given) }) as Record<string, unknown>;
}

/** One hour of it. */
function nuisance(route: string, hour: number, now: number): readonly Message[] {
  const ours = commands.filter((type) => type.route === route);
  const about = [details.orderId, 'nobody'].flatMap((orderId) =>
    ours.flatMap((type) =>
      ['x', '顧'].flatMap((letter) => {
        const body = bodyOf(type, orderId, letter);
        return Array.from({ length: COPIES }, (_, n) => ({
          id: `${hour}:${orderId}:${type.name}:${letter}:${n}`,
          type: type.name,
          key: type.key(body),
          body: n % 2 === 0 || !('of' in body) ? body : { ...body, of: `${hour}:${n}` },
        }));
      }),
    ),
  );
  const keys = [...new Set(about.map(({ key }) => key))];
  const odd = keys.flatMap((key) => [
    { id: `${hour}:odd:${key}`, type: `${route}.dance`, key, body: { orderId: key } },
    { id: `${hour}:late:${key}`, type: TOO_LATE, key, body: { command: ours[0]!.name } },
    { id: `${hour}:broken:${key}`, type: ours[0]!.name, key, body: { orderId: 1 } },
  ]);
  const replyTo = { route: 'saga', key: details.orderId };
  return [...about, ...odd].map((one, n) => ({
    ...one,
    correlationId: details.orderId,
    replyTo,
    // With a time of their own, with a time without end, and without one.
    ...(n % 3 > 0 && { rememberUntil: n % 3 === 1 ? now + HOUR_MS : Number.MAX_SAFE_INTEGER }),
  }));
}

/** What is remembered of ids, up to a bound that is not reached in the first hour: 32 undos of an order that were not preceded by what they undo. */
const REMEMBERED: Readonly<Record<string, number>> = { stock: 32 * 150 };

/** What a service knows, bytes. */
const knownBy = (route: string): number =>
  JSON.stringify([...world.homes.get(route)!.store.documents].map(([key, { state }]) => [key, state])).length;

let world: Road;
const afterFirst = new Map<string, number>();

// One town for all, in which all of it happens at once: an hour of a town costs much more than its messages.
test.before('a day', async () => {
  world = await createRoad();
  await world.start();
  await world.ended();
  for (let hour = 0; hour < HOURS; hour += 1) {
    for (const { name: route } of residents) {
      for (const message of nuisance(route, hour, world.clock.now()))
        for (let copy = 0; copy < 2; copy += 1) world.broker.put(hash(route), encode(message));
    }
    await world.clock.advance(HOUR_MS);
    if (hour === 0) for (const { name } of residents) afterFirst.set(name, knownBy(name));
  }
});

for (const { name: route } of residents) {
  test(`${route} gets everything that it knows and does not know, again and again for a day: each document stays under 64 KB`, (t) => {
    const { largest: bytes, store } = world.homes.get(route)!;
    t.log(`largest: ${bytes} bytes, it knows ${knownBy(route)}, ${afterFirst.get(route)} after an hour`);
    t.true(bytes < LIMIT, `${bytes} bytes`);
    // A counter may have got some digits.
    const most = afterFirst.get(route)! + 100 + (REMEMBERED[route] ?? 0);
    t.true(knownBy(route) < most, 'what it knows does not grow with the copies');
    for (const [key, { stash, unsent }] of store.documents) {
      const left = [...stash.map(({ message }) => message), ...unsent.map(({ send }) => send.message)].map(
        ({ type, id }) => `${type} ${id}`,
      );
      t.deepEqual(left, [], key);
    }
  });
}
