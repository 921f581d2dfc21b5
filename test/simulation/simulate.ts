/** One simulated run from one seed: a town, its customers, everything that goes wrong, then healing, rest and judgement. */
import { createHash } from 'node:crypto';
import { openBaskets } from './baskets.ts';
import { isAtRest, violations } from './checks.ts';
import { countCheckouts, sendCheckouts } from './checkouts.ts';
import { sendOrders } from './customers.ts';
import { CUSTOMERS, FUNDS, payIn, payInForUnwanted, sendAllAgain, sendUndos } from './wallet-traffic.ts';
import { addExecutors, countExecuted } from './executors.ts';
import { createFaults } from './faults.ts';
import { createScheduler, type Scheduler } from './scheduler.ts';
import { deploy, finishDeployment } from './newer.ts';
import { CLOCK_ERROR_MS, settingsOf } from './settings.ts';
import { goods } from '#test/support/goods.ts';
import { areShelved, shelve } from '#test/town/shelves.ts';
import { buildTown, type SimulatedTown } from './town.ts';

export interface SeedOutcome {
  readonly seed: number;
  readonly violations: readonly string[];
  /** What it ran with. */
  readonly settings: string;
  /** What happened, a line each, with virtual times. */
  readonly history: readonly string[];
  /** SHA-256 of the history: equal for equal seeds. */
  readonly fingerprint: string;
  readonly orders: number;
  /** How they ended, compensations, mails. */
  readonly counts: ReadonlyMap<string, number>;
  readonly faults: ReadonlyMap<string, number>;
  readonly virtualMs: number;
}

export const ORDERS = 50;
const ARRIVALS_MS = 12_000;
/** Longer than a saga may take. */
const OUTAGE_LIMIT_MS = 30_000;
/** A step deadline, a saga deadline and some cycles of the breaker fit in. */
const REST_LIMIT_MS = 45 * 60_000;

/** Looks at a town between two events, while everything goes wrong and at rest; must not wait for its clock. */
export type Watch = (town: SimulatedTown, now: number, isAtRest: boolean) => Promise<void>;

export async function simulate(seed: number, orders = ORDERS, watch: Watch = async () => {}): Promise<SeedOutcome> {
  const scheduler = createScheduler(seed);
  const { clock, chance, between } = scheduler;
  const start = clock.now();
  const history: string[] = [];
  const tell = (line: string): void => void history.push(`${clock.now() - start} ${line}`);
  const faults = createFaults(scheduler);
  const settings = settingsOf(seed);
  tell(settings.shown);
  const town = buildTown(scheduler, faults, tell, settings);
  addExecutors(town, ARRIVALS_MS + 8000);
  payIn(town);
  shelve(town.broker, goods);
  const baskets = openBaskets(town);
  const paid = await scheduler.run(
    () =>
      baskets.isOpen() &&
      areShelved(town.homes.get('stock')!, goods) &&
      CUSTOMERS.every((customer) => town.wallets.documents.get(customer)?.state?.available === FUNDS),
    60_000,
  );
  if (!paid) throw new Error(`seed ${seed}: the wallets and the shelves were not filled`);
  const customers = sendOrders(town, orders, ARRIVALS_MS);
  payInForUnwanted(town, ARRIVALS_MS);
  sendAllAgain(town, ARRIVALS_MS);
  sendCheckouts(town, createScheduler(seed ^ 0x5bd1e995), ARRIVALS_MS);
  baskets.send(createScheduler(seed ^ 0x2c1b3c6d), ARRIVALS_MS);
  faults.start();

  const trouble = between(0, 12);
  for (let n = 0; n < trouble; n += 1) {
    clock.after(between(0, ARRIVALS_MS + 10_000), () => {
      if (faults.healed) return;
      const machine = town.machines[between(0, town.machines.length)]!;
      const what = chance();
      const kind = what < 0.3 ? 'kill' : what < 0.6 ? 'stand still' : what < 0.85 ? 'retire' : 'outage';
      faults.count(kind);
      if (kind === 'kill') machine.kill();
      else if (kind === 'stand still') machine.pause(between(500, 15_000));
      else if (kind === 'retire') machine.retire();
      else outage(town, machine.name.replace(/-\d+$/, ''), between(2500, OUTAGE_LIMIT_MS));
    });
  }
  if (settings.ringChanges) {
    clock.after(between(1000, ARRIVALS_MS + 5000), () => {
      if (!faults.healed) changeRing(town, scheduler);
    });
  }
  deploy(town, { ...createScheduler(seed ^ 0x27d4eb2f), clock }, CUSTOMERS);
  if (settings.rollBacks) cutOffPrimaries(town, createScheduler(seed ^ 0x1b873593), ARRIVALS_MS + 5000);
  await scheduler.run(() => false, ARRIVALS_MS + between(0, 10_000));
  await watch(town, clock.now(), false);
  faults.heal();
  finishDeployment(town);
  tell('healed');
  const atRest = await scheduler.run(() => baskets.isOver() && isAtRest(town, customers), REST_LIMIT_MS, 500);
  // Answers under way, records being appended, redriving that ends.
  await scheduler.run(() => false, 2500);
  for (const { key, state, version } of town.orders.documents.values())
    tell(`order ${key} ${state?.status} at version ${version}`);
  for (const { key, over, version } of town.record.writes) history.push(`${key} ${over} -> ${version}`);
  await watch(town, clock.now(), true);
  const found = [...violations(town, customers), ...(await baskets.faults())];
  town.broker.close();
  return {
    seed,
    settings: settings.shown,
    violations: atRest || found.length > 0 ? found : ['I-7: it does not come to rest'],
    history,
    fingerprint: createHash('sha256').update(history.join('\n')).digest('hex'),
    orders: customers.accepted.size,
    counts: new Map([...countsOf(town), ...baskets.counts]),
    faults: faults.counts,
    virtualMs: clock.now() - start,
  };
}

/**
 * The broker starts again and hashes keys otherwise, while some workers stand still with messages that came the old way; the clocks of
 * some are set forward as long as others wait for those.
 */
function changeRing(town: SimulatedTown, { clock, chance, between }: Scheduler): void {
  const { machines, broker, faults, tell } = town;
  faults.count('ring changed');
  sendUndos(town, 2000);
  for (const machine of machines) if (chance() < 0.4) machine.pause(between(500, 3000));
  clock.after(between(50, 500), () => {
    tell('the broker starts again with other rings');
    broker.restart({ ring: 'other', inFlight: chance() < 0.5 ? 'arrives' : 'is-lost' });
    for (const machine of machines) {
      if (chance() < 0.5) continue;
      machine.setClock(-CLOCK_ERROR_MS);
      clock.after(between(200, 2000), () => faults.healed || machine.setClock(CLOCK_ERROR_MS));
    }
  });
}

/** The database's primary is cut off some times, for about as long as a channel without progress lasts. `drawn`: a stream of its own. */
function cutOffPrimaries(
  { scheduler, replicas, faults, tell }: SimulatedTown,
  drawn: Scheduler,
  withinMs: number,
): void {
  for (let at = drawn.between(0, 6000); at < withinMs; at += drawn.between(5000, 10_000)) {
    const ms = drawn.between(50, 4500);
    const end = drawn.chance() < 0.7 ? 'another primary' : 'the others are back';
    scheduler.clock.after(at, () => {
      if (faults.healed) return;
      faults.count(end === 'another primary' ? 'roll back' : 'primary cut off');
      tell(`the primary is cut off for ${ms} ms: ${end}`);
      replicas.cutOff(end, ms);
    });
  }
}

/** Every machine of a service is gone for longer than some deadlines. */
function outage({ machines, tell }: SimulatedTown, service: string, ms: number): void {
  tell(`${service} is away for ${ms} ms`);
  for (const machine of machines) if (machine.name.replace(/-\d+$/, '') === service) machine.kill(ms);
}

function countsOf({ homes, orders, sagas, mails, record }: SimulatedTown): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  const add = (what: string, n: number): void => void counts.set(what, (counts.get(what) ?? 0) + n);
  for (const { state } of orders.documents.values()) add(state?.status ?? 'unknown', 1);
  for (const { state } of sagas.documents.values())
    if (state?.phase === 'ended') add('steps undone', state.steps.filter(({ undo }) => undo !== undefined).length);
  add('mails', mails.length);
  for (const [what, n] of countCheckouts(homes)) add(what, n);
  add('queue entries executed', countExecuted({ homes }));
  add('commits', record.writes.length);
  add('commits that lost a race', record.commits.filter(({ outcome }) => outcome === 'lost').length);
  return counts;
}
