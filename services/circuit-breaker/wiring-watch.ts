import type { GateName } from './breaker.ts';
import type { RouteBreaker } from './route-breaker.ts';
import type { BindingSpec, Session } from '#shared/bus/bus.ts';
import {
  ask,
  asked,
  dead,
  delay,
  half,
  hash,
  inbox,
  parked,
  type RouteTable,
  state,
} from '#shared/bus/topology/topology.ts';
import { bindingTextOf, type Wiring, wiringOf } from '#shared/bus/topology/wiring.ts';
import type { Clock } from '#shared/clock.ts';
import { reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';

/** What is bound on the broker now. */
export type ReadBindings = () => Promise<readonly BindingSpec[]>;

export interface WiringWatchOptions {
  readonly table: RouteTable;
  readonly routes: ReadonlyMap<string, Pick<RouteBreaker, 'gate' | 'acts' | 'repair'>>;
  readonly session: Pick<Session, 'unbind'>;
  readonly readBindings: ReadBindings;
  readonly clock: Clock;
  readonly log: Log;
  readonly ended: AbortSignal;
}

export interface WiringWatch {
  /** What is wrong with the wiring of a route and is not the breaker's to mend. */
  problems(route: string): readonly string[];
  /** Looks soon: something was changed. */
  look(): void;
}

const EVERY_MS = 5000;
/** A difference counts when it is there twice: a broker of several nodes may tell an older state of things for a moment. */
const AGAIN_MS = 300;

/**
 * Compares what is bound with what should be, every few seconds and soon after each act of the breaker's own: a click in the
 * management page undoes a gate without a trace. Gate bindings are repaired and stray ways past a gate removed; what only
 * provisioning may mend (partitions, queues) is told until it is.
 */
export function startWatch(options: WiringWatchOptions): WiringWatch {
  const { table, routes, session, readBindings, clock, log, ended } = options;
  const problems = new Map<string, readonly string[]>();
  const places = new Set(
    table.routes.flatMap((one) => [hash(one), asked(one), delay(one), parked(one), dead(one), state(one)]),
  );
  /** Removed once, or not: a binding with arguments stays, and is told. */
  let tried = new Set<string>();
  let soon = new AbortController();
  let wanted = false;

  /** By the breaker's rights: to try without them would close the channel over which it moves its gates. */
  function isRemovable({ source, destination }: BindingSpec): boolean {
    return table.routes.some((one) => [inbox(one), half(one), ask(one)].includes(source)) && places.has(destination);
  }

  /** Only of routes whose gate was left alone while the broker was asked. */
  async function read(): Promise<ReadonlyMap<string, Wiring>> {
    const before = new Map([...routes].map(([route, { acts }]) => [route, acts]));
    const bound = await readBindings();
    const still = [...routes].filter(([route, { acts }]) => acts === before.get(route) && acts % 2 === 0);
    return new Map(still.map(([route]) => [route, wiringOf(table, route, bound)]));
  }

  async function check(): Promise<void> {
    let found = await read();
    const strays = new Set([...found.values()].flatMap((wiring) => wiring.strays.map(bindingTextOf)));
    tried = new Set([...tried].filter((one) => strays.has(one)));
    if (![...found].some(([route, wiring]) => isWrong(route, wiring))) return settle(found);
    await clock.sleep(AGAIN_MS, ended);
    found = await read();
    settle(found);
    for (const [route, wiring] of found) if (isWrong(route, wiring)) await mend(route, wiring);
    if ([...found.values()].some(({ strays }) => strays.length > 0)) settle(await read());
  }

  function isWrong(route: string, wiring: Wiring): boolean {
    const { missing, lost, strays } = wiring;
    return missing.length + lost.length + strays.length > 0 || !isGate(wiring, routes.get(route)!.gate);
  }

  async function mend(route: string, wiring: Wiring): Promise<void> {
    for (const stray of wiring.strays.filter(isRemovable)) {
      if (tried.has(bindingTextOf(stray))) continue;
      tried.add(bindingTextOf(stray));
      log.warn('a way past the gate that nobody provisioned is removed', { route, binding: bindingTextOf(stray) });
      await session.unbind(stray);
    }
    const breaker = routes.get(route)!;
    // To bind what is gone would end this breaker's turn, for all routes.
    if (wiring.unbindable || isGate(wiring, breaker.gate)) return;
    await breaker.repair(foundGate(wiring), differenceOf(wiring, breaker.gate));
  }

  function settle(found: ReadonlyMap<string, Wiring>): void {
    for (const [route, { missing, lost, strays }] of found) {
      const texts = [
        ...lost.map((queue) => `the queue ${queue} does not exist: provision again`),
        ...missing.map((one) => `${bindingTextOf(one)} is not bound: provision again`),
        ...strays.map((one) => `${bindingTextOf(one)} is bound and should not be`),
      ];
      if (texts.join() !== (problems.get(route) ?? []).join()) {
        if (texts.length > 0) log.error('the broker is not wired as it was provisioned', { route, problems: texts });
        else log.info('the broker is wired as it was provisioned again', { route });
      }
      problems.set(route, texts);
    }
  }

  async function run(): Promise<void> {
    while (!ended.aborted) {
      soon = new AbortController();
      if (!wanted) await clock.sleep(EVERY_MS, AbortSignal.any([ended, soon.signal])).catch(() => {});
      if (wanted) await clock.sleep(AGAIN_MS, ended).catch(() => {});
      wanted = false;
      if (ended.aborted) return;
      await check().catch((error: unknown) => {
        if (!ended.aborted) log.warn('cannot compare the bindings', { reason: reasonOf(error) });
      });
    }
  }

  void run();
  return {
    problems: (route) => problems.get(route) ?? [],
    look() {
      wanted = true;
      soon.abort();
    },
  };
}

function isGate({ direct, delayed, questions }: Wiring, gate: GateName): boolean {
  const isTaken = gate !== 'open';
  return direct === (gate === 'closed') && delayed === isTaken && (questions ?? isTaken) === isTaken;
}

/** What a publisher saw of it. */
function foundGate({ direct, delayed }: Wiring): GateName {
  if (direct) return 'closed';
  return delayed ? 'half_open' : 'open';
}

function differenceOf({ direct, delayed, questions }: Wiring, gate: GateName): string {
  const wrong = [
    ...(direct === (gate === 'closed') ? [] : [`binding 1 was ${direct ? 'there' : 'missing'}`]),
    ...(delayed === (gate !== 'open') ? [] : [`binding 2 was ${delayed ? 'there' : 'missing'}`]),
    ...(questions === undefined || questions === (gate !== 'open')
      ? []
      : [`the binding of questions was ${questions ? 'there' : 'missing'}`]),
  ];
  return `repair: ${wrong.join(', ')}`;
}
