import { gateOf, type Policy } from './breaker.ts';
import { type Breaker, type Snapshot, SNAPSHOT_EVERY_MS } from './contract.ts';
import { watchDepths } from './depths.ts';
import type { RedrivePolicy } from './pace.ts';
import { type Parking, startParking } from './parking.ts';
import { createParkedList, type ParkedList } from './parked-list.ts';
import { type Redriving, startRedriving } from './redriving.ts';
import { type OnDecision, type OnPoint, type RouteBreaker, takeOver } from './route-breaker.ts';
import type { Tally } from './tally.ts';
import { type ReadBindings, startWatch, type WiringWatch } from './wiring-watch.ts';
import type { Bus, Session } from '#shared/bus/bus.ts';
import { delay, parked, type RouteTable, SNAPSHOT } from '#shared/bus/topology/topology.ts';
import type { Clock } from '#shared/clock.ts';
import { reasonOf } from '#shared/errors.ts';
import type { Term } from '#shared/leader.ts';
import type { Log } from '#shared/log.ts';

export interface TermOptions {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Log;
  /** What the snapshot calls this process. */
  readonly name: string;
  readonly policies: ReadonlyMap<string, Policy>;
  /** Those of these routes that answer questions. */
  readonly asked?: readonly string[] | undefined;
  readonly maxRedrives: number;
  readonly redrive: RedrivePolicy;
  readonly tally: Tally;
  readonly onDecision: OnDecision;
  readonly onPoint: OnPoint;
  /** With an address of the management API: what is bound is compared with what should be. */
  readonly wiring?: { readonly table: RouteTable; readonly readBindings: ReadBindings } | undefined;
  /** Why the queues of a route cannot be trusted to let messages expire; `undefined`: they can. */
  readonly distrust: (route: string) => string | undefined;
}

/** So often it is asked how many are parked, also where nothing should be. */
const RECOUNT_MS = 30_000;

/** One route while this process acts. */
export interface ActingRoute {
  readonly breaker: RouteBreaker;
  /** Something may have been parked, or the gate have moved. */
  look(): void;
  /** Its queues that hold what this process neither has nor can know of. */
  uncounted(): readonly string[];
  view(): Breaker;
}

export interface ActingTerm extends Term {
  readonly session: Session;
  readonly routes: ReadonlyMap<string, ActingRoute>;
  readonly parkedList: ParkedList;
  /** Broadcasts the snapshot now and every second; listeners may ask from then on. */
  begin(): void;
}

/** Takes every route over, then listens to what expires: nothing that arrives is judged by a state that was not read. */
export async function startTerm(session: Session, options: TermOptions): Promise<ActingTerm> {
  const { bus, clock, log, name, policies } = options;
  const ending = new AbortController();
  const routes = new Map<string, ActingRoute>();
  const names = [...policies.keys()];
  let cancelBeat = (): void => {};
  let watch: WiringWatch | undefined;
  void session.closed.then(end);

  function end(): void {
    ending.abort();
    cancelBeat();
    for (const { breaker } of routes.values()) breaker.end();
  }

  async function broadcast(): Promise<void> {
    if (ending.signal.aborted || routes.size < policies.size) return;
    const snapshot: Snapshot = {
      at: clock.now(),
      leader: name,
      breakers: [...routes.values()].map((route) => route.view()),
    };
    const content = Buffer.from(JSON.stringify(snapshot));
    // Returned when no gateway listens, lost with the session: the next one is a second away.
    await session.publish(SNAPSHOT, { content, contentType: 'application/json', headers: {} }).catch(() => {});
  }

  function begin(): void {
    if (ending.signal.aborted) return;
    // It never rejects.
    void broadcast();
    for (const route of routes.values()) route.look();
    cancelBeat = clock.after(SNAPSHOT_EVERY_MS, begin);
  }

  const parkedList = createParkedList(bus, clock);
  const depths = watchDepths({
    bus,
    clock,
    log,
    queues: () => names.flatMap((route) => routes.get(route)?.uncounted() ?? []),
    ended: ending.signal,
  });
  const giveUp = (route: string) => (reason: unknown) => {
    log.error('a transition failed; this breaker gives up its turn', { route, reason: reasonOf(reason) });
    end();
    void session.close();
  };
  try {
    const acting = await Promise.all(
      [...policies].map(async ([route, policy]): Promise<[string, ActingRoute]> => [
        route,
        await startRoute(route, policy, {
          ...options,
          session,
          ended: ending.signal,
          depths,
          parkedList,
          watch: () => watch,
          broadcast,
          giveUp,
        }),
      ]),
    );
    for (const [route, one] of acting) routes.set(route, one);
    const breakers = new Map(acting.map(([route, { breaker }]) => [route, breaker]));
    if (options.wiring !== undefined)
      watch = startWatch({ ...options, ...options.wiring, routes: breakers, session, ended: ending.signal });
  } catch (error) {
    end();
    throw error;
  }
  return { session, routes, parkedList, begin, end };
}

async function startRoute(
  route: string,
  policy: Policy,
  options: TermOptions & {
    readonly session: Session;
    readonly ended: AbortSignal;
    readonly depths: ReturnType<typeof watchDepths>;
    readonly parkedList: ParkedList;
    readonly watch: () => WiringWatch | undefined;
    readonly broadcast: () => Promise<void>;
    readonly giveUp: (route: string) => (reason: unknown) => void;
  },
): Promise<ActingRoute> {
  const { tally, depths, parkedList, watch, broadcast, giveUp, distrust, maxRedrives, redrive } = options;
  // The breaker's timers run from the moment that it has taken over, before there is anything to put back or to park.
  let redriving: Redriving | undefined;
  let parking: Parking | undefined;
  const blindness = (): string | undefined =>
    distrust(route) ?? (parking?.full ? 'what expired cannot be parked fast enough to see more' : undefined);
  const breaker = await takeOver({
    ...options,
    route,
    isAsked: options.asked?.includes(route) ?? false,
    policy,
    blindness,
    giveUp: giveUp(route),
    broadcast() {
      redriving?.look();
      watch()?.look();
      return broadcast();
    },
  });
  const putBack = startRedriving({
    ...options,
    route,
    policy: redrive,
    cycleMs: policy.cycleMs,
    closedSince: () => (gateOf(breaker.stored.state) === 'closed' ? breaker.stored.since : undefined),
    waiting: () => depths.of(parked(route)),
    onTaken: (count) => depths.add(parked(route), -count),
    isRead: () => parkedList.isRead(route),
    onRedriven: () => tally.redriven(route),
  });
  redriving = putBack;
  parking = await startParking({
    ...options,
    route,
    maxRedrives,
    onExpired() {
      tally.expired(route);
      putBack.expired();
      breaker.expired();
    },
    onParked() {
      depths.add(parked(route), 1);
      putBack.parked();
    },
  });
  let countedAt = options.clock.now();
  return { breaker, look: putBack.look, uncounted, view };

  function uncounted(): readonly string[] {
    const { state, since } = breaker.stored;
    const now = options.clock.now();
    const mayDelay = gateOf(state) !== 'closed' || now - since < policy.ttlMs;
    // A publish that was given up may have reached the queue all the same, and what is not known is not put back.
    const mayHold = putBack.mayHold || depths.of(parked(route)) > 0 || now - countedAt >= RECOUNT_MS;
    const isCounted = mayHold && !parkedList.isRead(route);
    if (isCounted) countedAt = now;
    return [...(isCounted ? [parked(route)] : []), ...(mayDelay || depths.of(delay(route)) > 0 ? [delay(route)] : [])];
  }

  function view(): Breaker {
    const { state, since, transitions } = breaker.stored;
    const { machine, override, generation } = state;
    return {
      route,
      state: gateOf(state),
      machine: machine.name,
      cycle: machine.cycle,
      badCycles: machine.name === 'half_open' ? machine.badCycles : 0,
      expired: machine.name === 'closed' ? 0 : machine.expired,
      generation,
      since,
      cycleEndsAt: breaker.cycleEndsAt,
      policy,
      ...(override === undefined ? {} : { override }),
      transitions: [...transitions],
      ...tally.of(route),
      parked: depths.of(parked(route)) + putBack.moving,
      delayed: depths.of(delay(route)),
      problems: [...(watch()?.problems(route) ?? [])],
    };
  }
}
