import type { Announcement } from './announcement.ts';
import type { Table } from './assignment.ts';
import { dutiesOf, type Duty } from './duties.ts';
import { createMembership, type Member } from './membership.ts';
import { createReadiness } from './readiness.ts';
import { createRegistrations, type Taker } from './registrations.ts';
import { createTableKeeper, type Candidates } from './table-keeper.ts';
import type { TableStore } from './table-store.ts';
import type { Bus } from '#shared/bus/bus.ts';
import { partition } from '#shared/bus/topology/topology.ts';
import type { Clock } from '#shared/clock.ts';
import type { Log } from '#shared/log.ts';

export interface WorkerOptions {
  readonly engine: Taker;
  readonly bus: Pick<Bus, 'publish' | 'subscribe'>;
  readonly store: TableStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly service: string;
  readonly route: string;
  readonly partitions: number;
  /** Its name, of which there is one at a time. Keeps its partitions over a quick restart. */
  readonly worker: string;
  readonly heartbeatMs: number;
  /** Without an announcement for so long, a worker counts as dead. At least five heartbeats. */
  readonly deadAfterMs: number;
  /** How long what runs of a partition may take to end before it is handed over. Default 5000. */
  readonly releaseMs?: number;
  /** How often it looks whether the time has come for something; what it hears and what changes are acted on at once. Default 100. */
  readonly lookMs?: number;
  readonly figures?: () => Pick<Announcement, 'rates' | 'partitions'>;
  /** What it can go on with; see `Entity.runs`. */
  readonly runs?: readonly string[] | undefined;
}

/** What a worker says of itself. */
export interface WorkerDescription {
  readonly worker: string;
  readonly since: number;
  readonly draining: boolean;
  readonly tableVersion: number;
  /** Who the newest table that it knows names. */
  readonly members: readonly string[];
  /** Partition indexes. */
  readonly owner: readonly number[];
  readonly standby: readonly number[];
  readonly registered: readonly number[];
}

export interface Worker {
  /** Resolves once it hears the others. Rejects with `BrokerRefusal`; waits for a broker that is not there. */
  start(): Promise<void>;
  /** Hands everything over, or gives it back when nobody takes it in time, and leaves. The engine holds nothing afterwards. */
  drain(deadlineMs: number): Promise<void>;
  /**
   * Named by the newest table that it knows, and registered wherever that makes it the owner; what was assigned a moment ago may
   * still be on its way.
   */
  readonly ready: boolean;
  /** To be told by the engine. */
  onRegistration(queue: string, id: string | undefined): void;
  describe(): WorkerDescription;
  /** What each of the other living copies says that it can go on with; `undefined` for one that says nothing of it. */
  othersRun(): readonly (readonly string[] | undefined)[];
}

const NO_FIGURES = { rates: { handledPerS: 0 }, partitions: {} };

/** One of several copies of a service: takes the partitions that the assignment gives it, and helps to keep that right. */
export function createWorker(options: WorkerOptions): Worker {
  const {
    engine,
    clock,
    log,
    service,
    route,
    worker,
    releaseMs = 5000,
    lookMs = 100,
    figures = () => NO_FIGURES,
  } = options;
  const since = clock.now();
  let draining = false;
  let phase: 'new' | 'running' | 'left' = 'new';
  let cancelLook = (): void => {};

  const registrations = createRegistrations({
    engine,
    clock,
    log,
    queues: Array.from({ length: options.partitions }, (_, index) => partition(route, index)),
    releaseMs,
    onChange() {
      readiness.look();
      membership.announce();
      act();
    },
    onDone: () => clock.soon(act),
  });
  const readiness = createReadiness({ clock, graceMs: options.deadAfterMs, registered: registrations.has });
  const membership = createMembership({
    ...options,
    me: { worker, service, route, incarnation: clock.id(), since },
    standing: () => ({
      draining,
      tableVersion: keeper.current()?.version ?? 0,
      registrations: registrations.announced(),
      ...(options.runs === undefined ? {} : { runs: [...options.runs] }),
      ...figures(),
    }),
    onNews(tableVersion) {
      keeper.heardOf(tableVersion);
      act();
    },
  });
  const keeper = createTableKeeper({
    ...options,
    candidates,
    onTable(table) {
      const places = { owner: placesOf(table, 'owner'), standby: placesOf(table, 'standby') };
      log.info('assignment', { version: table?.version, ...places });
      readiness.assigned(table?.members.includes(worker) === true ? places.owner : undefined);
      membership.announce();
      act();
    },
  });

  function placesOf(table: Table | undefined, as: 'owner' | 'standby'): readonly number[] {
    return (table?.partitions ?? []).flatMap((place, index) => (place[as] === worker ? [index] : []));
  }

  /** The others who live and stay. */
  const partners = (): readonly (readonly [name: string, member: Member])[] =>
    [...membership.others()].filter(([, { announcement }]) => !announcement.draining);

  /**
   * Who is in the table stays while it may be alive; who is not was heard just now. Else two who heard different things of somebody,
   * because one of them was away, would put it in and out in turns.
   */
  function candidates(): Candidates | undefined {
    const named = keeper.current()?.members ?? [];
    if (membership.undecided(named)) return undefined;
    const justNow = clock.now() - 2 * options.heartbeatMs;
    const others = partners().filter(([name, { lastSeenAt }]) => named.includes(name) || lastSeenAt >= justNow);
    const members = [...others.map(([name]) => name), ...(draining ? [] : [worker])].toSorted();
    if (members.length === 0) return undefined;
    return { members, rank: draining ? members.length : members.indexOf(worker) };
  }

  function duties(): readonly Duty[] {
    const held = registrations.held();
    if (draining && membership.hearing() && partners().length === 0)
      return [...held.keys()].map((index) => ({ release: index }));
    const table = keeper.current();
    if (table === undefined) return [];
    const peers = new Map([...membership.others()].map(([name, { peer }]) => [name, peer]));
    return dutiesOf({ me: worker, table, held, peers, now: clock.now() }).filter((duty) =>
      // Without news of the others, what they announced may be long over.
      'take' in duty ? !draining : membership.hearing(),
    );
  }

  function act(): void {
    if (phase !== 'running') return;
    keeper.look();
    registrations.perform(duties());
  }

  function look(): void {
    act();
    cancelLook = clock.after(lookMs, look);
  }

  async function leave(deadline: number): Promise<void> {
    phase = 'left';
    cancelLook();
    if (!registrations.empty()) log.warn('nobody took over in time: gives back', { queues: engine.held() });
    await registrations.releaseAll(Math.max(0, deadline - clock.now()));
    await membership.leave();
  }

  return {
    async start() {
      if (phase !== 'new') return;
      phase = 'running';
      look();
      await membership.start();
    },
    async drain(deadlineMs) {
      if (phase === 'left') return;
      draining = true;
      membership.announce();
      const deadline = clock.now() + deadlineMs;
      // Time is kept for finishing what runs, should nobody take over.
      const handedOverBy = deadline - Math.min(releaseMs, deadlineMs / 2);
      while (phase === 'running' && clock.now() < handedOverBy && !registrations.empty()) {
        act();
        await clock.sleep(20);
      }
      await leave(deadline);
    },
    get ready() {
      return !draining && readiness.ready;
    },
    onRegistration: registrations.onRegistration,
    othersRun: () => [...membership.others().values()].map(({ announcement }) => announcement.runs),
    describe() {
      const table = keeper.current();
      return {
        worker,
        since,
        draining,
        tableVersion: table?.version ?? 0,
        members: table?.members ?? [],
        owner: placesOf(table, 'owner'),
        standby: placesOf(table, 'standby'),
        registered: Object.keys(registrations.announced()).map(Number),
      };
    },
  };
}
