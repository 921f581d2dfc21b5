import { assign, type PartitionPlace, type Table } from '#shared/partition/assignment.ts';
import type { PartitionRegistration } from '#shared/partition/announcement.ts';
import { dutiesOf, peerOf, STANDBY_PATIENCE_MS, type Duty, type Peer } from '#shared/partition/duties.ts';

/** What was said: everything that the speaker is registered for, and by which table it acts. */
interface Said {
  readonly tableVersion: number;
  readonly registrations: Readonly<Record<string, PartitionRegistration>>;
  readonly hello: boolean;
}

interface Worker {
  readonly name: string;
  alive: boolean;
  table: Table | undefined;
  /** What it announces. */
  held: Map<number, PartitionRegistration>;
  /** Decided and not done yet: one thing at a time for each partition. */
  pending: Map<number, Duty>;
  peers: Map<string, Peer>;
  /** By speaker, first in first out. */
  inbox: Map<string, Said[]>;
}

export type Event = readonly [kind: number, who: number, what: number, more: number];

const PARTITIONS = 3;

/**
 * Workers that act by `dutiesOf`, a broker with single active consumers (`lines`: who registered first is active, the
 * next follows), and announcements that take any time, in order from each speaker.
 */
export function createDutiesWorld(workerCount: number, { deaths }: { readonly deaths: boolean }) {
  const workers: Worker[] = Array.from({ length: workerCount }, (_, n) => blank(`w${n}`));
  const lines: { readonly worker: string; readonly id: string }[][] = Array.from({ length: PARTITIONS }, () => []);
  /** Partitions of which a registration ended otherwise than by being given up. */
  const struck = new Set<number>();
  const tables: Table[] = [];
  const emptied: string[] = [];
  let ids = 0;
  let now = 0;

  function say(worker: Worker, hello = false): void {
    const said: Said = {
      tableVersion: worker.table?.version ?? 0,
      registrations: Object.fromEntries(worker.held),
      hello,
    };
    for (const other of workers) {
      if (other === worker || !other.alive) continue;
      const queue = other.inbox.get(worker.name);
      if (queue === undefined) other.inbox.set(worker.name, [said]);
      else queue.push(said);
    }
  }

  function hear(worker: Worker, from: string): boolean {
    const said = worker.inbox.get(from)?.shift();
    if (said === undefined) return false;
    worker.peers.set(from, peerOf(worker.peers.get(from), said, now));
    if (said.hello) say(worker);
    return true;
  }

  function decide(worker: Worker, pick: number): boolean {
    if (worker.table === undefined) return false;
    const duties = dutiesOf({
      me: worker.name,
      table: worker.table,
      held: worker.held,
      peers: worker.peers,
      now,
    }).filter((duty) => !worker.pending.has(indexOf(duty)));
    const duty = duties[pick % duties.length];
    if (duty === undefined) return false;
    worker.pending.set(indexOf(duty), duty);
    if ('release' in duty) {
      worker.held.delete(duty.release);
      say(worker);
    }
    return true;
  }

  function perform(worker: Worker, pick: number): boolean {
    const [index, duty] = [...worker.pending][pick % worker.pending.size] ?? [];
    if (index === undefined || duty === undefined) return false;
    worker.pending.delete(index);
    if ('release' in duty) {
      leaveLine(index, worker.name);
      if (lines[index]!.length === 0 && !struck.has(index))
        emptied.push(`${worker.name} left ${index} without a consumer by table ${worker.table?.version}`);
    } else {
      register(worker, index, duty.behind);
    }
    return true;
  }

  function register(worker: Worker, index: number, behind?: string): void {
    const id = `${worker.name}/${(ids += 1)}`;
    lines[index]!.push({ worker: worker.name, id });
    worker.held.set(index, behind === undefined ? { id } : { id, behind });
    say(worker);
  }

  function leaveLine(index: number, name: string): void {
    lines[index] = lines[index]!.filter(({ worker }) => worker !== name);
  }

  function learn(worker: Worker, table: Table | undefined): void {
    if (table === undefined || table.version <= (worker.table?.version ?? 0)) return;
    worker.table = table;
    say(worker);
  }

  function write(members: readonly string[], odd: number): void {
    const previous = tables.at(-1);
    const even = assign(previous, members, PARTITIONS);
    if (odd % 2 === 0) {
      if (even !== previous) tables.push(even);
      return;
    }
    const partitions = Array.from({ length: PARTITIONS }, (_, index): PartitionPlace => {
      const owner = members[(odd >> index) % members.length]!;
      const standby = members[(odd >> (index + 2)) % members.length]!;
      return standby === owner ? { owner } : { owner, standby };
    });
    tables.push({ version: even === previous ? even.version + 1 : even.version, members, partitions });
  }

  function die(worker: Worker): void {
    for (const [index, line] of lines.entries()) {
      if (line.some((entry) => entry.worker === worker.name)) struck.add(index);
      leaveLine(index, worker.name);
    }
    Object.assign(worker, blank(worker.name), { alive: false });
  }

  function revive(worker: Worker): void {
    Object.assign(worker, blank(worker.name));
    say(worker, true);
  }

  /** The connection breaks; the engine registers again by itself, at the end of the line. */
  function lose(worker: Worker, index: number): void {
    if (!worker.held.has(index) || worker.pending.has(index)) return;
    struck.add(index);
    leaveLine(index, worker.name);
    register(worker, index);
  }

  function step([kind, who, what, more]: Event): void {
    const worker = workers[who % workers.length]!;
    const other = workers[what % workers.length]!;
    if (!worker.alive) {
      if (kind === 0) revive(worker);
      return;
    }
    if (kind < 30) hear(worker, other.name);
    else if (kind < 50) decide(worker, what);
    else if (kind < 70) perform(worker, what);
    else if (kind < 85) learn(worker, tables[more % 3 === 0 ? what % tables.length : tables.length - 1]);
    else if (kind < 92) {
      const alive = workers.filter((one) => one.alive && ((what >> workers.indexOf(one)) & 1) === 1);
      if (alive.length > 0)
        write(
          alive.map(({ name }) => name),
          more,
        );
    } else if (kind < 94) now += more % (2 * STANDBY_PATIENCE_MS);
    else if (kind < 96) worker.peers.delete(workers.find((one) => !one.alive)?.name ?? '');
    else if (!deaths) return;
    else if (kind < 98) die(worker);
    else lose(worker, what % PARTITIONS);
  }

  /** The world comes to rest: one table, everything heard, the dead forgotten. Says what is wrong in the end. */
  function rest(): readonly string[] {
    const alive = workers.filter((worker) => worker.alive);
    if (alive.length === 0) return [];
    write(
      alive.map(({ name }) => name),
      0,
    );
    for (let round = 0, busy = true; busy; round += 1) {
      if (round > 200) return ['it does not come to rest'];
      busy = false;
      for (const worker of alive) {
        learn(worker, tables.at(-1));
        for (const { name } of workers) while (hear(worker, name)) busy = true;
        for (const one of workers) if (!one.alive) worker.peers.delete(one.name);
        while (decide(worker, 0)) busy = true;
        while (perform(worker, 0)) busy = true;
      }
      if (!busy && round < 40) {
        now += 100;
        busy = now < 1e9 && round < 39;
      }
    }
    return tables.at(-1)!.partitions.flatMap(({ owner, standby }, index) => {
      const line = lines[index]!.map(({ worker }) => worker);
      const wanted = standby === undefined ? [owner] : [owner, standby];
      return line.join() === wanted.join() ? [] : [`partition ${index}: ${line.join()} instead of ${wanted.join()}`];
    });
  }

  return { step, rest, emptied };
}

function blank(name: string): Worker {
  return {
    name,
    alive: true,
    table: undefined,
    held: new Map(),
    pending: new Map(),
    peers: new Map(),
    inbox: new Map(),
  };
}

const indexOf = (duty: Duty): number => ('take' in duty ? duty.take : duty.release);
