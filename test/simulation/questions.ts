/** Questions in a town where workers and askers die, stand still and lose connections, and packets are lost and doubled. */
import { createFaults } from './faults.ts';
import { createMachine, type Host, type Machine, type Town } from './host.ts';
import { createScheduler } from './scheduler.ts';
import { askedTable, square, squaring } from '#test/support/question-world.ts';
import { createMemoryBroker } from '#shared/bus/memory/memory-bus.ts';
import { questionQueues, topologyOf } from '#shared/bus/topology/topology.ts';
import { silentLog } from '#shared/log.ts';
import { createAsker, type Asker } from '#shared/question/asker.ts';
import { QuestionError } from '#shared/question/question.ts';
import { createResponder } from '#shared/question/responder.ts';

export interface QuestionsOutcome {
  readonly violations: readonly string[];
  /** How questions ended, and what went wrong. */
  readonly counts: ReadonlyMap<string, number>;
}

const TTL_MS = 4000;
const WILD_MS = 20_000;
const WAIT_MS = 6000;
/** Timers of askers are shared, and a machine may stand still when its time is over. */
const SLACK_MS = 20;
const LONGEST_PAUSE_MS = 4000;
const MOST_LIVES = 30;
const QUEUES = questionQueues(askedTable, 'sums');

export async function simulateQuestions(seed: number): Promise<QuestionsOutcome> {
  const scheduler = createScheduler(seed);
  const { clock, between, chance } = scheduler;
  const faults = createFaults(scheduler);
  const broker = createMemoryBroker({ clock });
  const violations: string[] = [];
  const count = faults.count;
  broker.apply(topologyOf(askedTable, { ttlMs: 2 * TTL_MS, delayMs: 500 }, 'simulated'));
  broker.inject({
    latencyMs: () => between(0, faults.strikes('slow link') ? 400 : 4),
    copies: () => (faults.healed ? 1 : ([0, 2][between(0, 60)] ?? 1)),
  });
  const town: Town = { scheduler, broker, faults, tell() {} };
  const machines: Machine[] = [];
  const askers = new Map<string, { readonly asker: Asker; readonly host: Host; alive: boolean }>();

  for (let copy = 1; copy <= between(1, 4); copy += 1)
    machines.push(createMachine(town, `worker-${copy}`, (host) => work(host)));
  for (let copy = 1; copy <= between(1, 3); copy += 1)
    machines.push(createMachine(town, `asker-${copy}`, (host) => begin(host)));

  async function work({ bus, clock: own, name }: Host): Promise<() => Promise<void>> {
    const handler = squaring(name, () => own.sleep(between(0, 40)));
    const responder = createResponder({
      handlers: [handler],
      bus,
      clock: own,
      log: silentLog,
      stateOf: async () => undefined,
    });
    for (const queue of QUEUES) await responder.take(queue);
    return async () => {
      await Promise.all(QUEUES.map((queue) => responder.release(queue, 1000)));
      await responder.close();
      await bus.close();
    };
  }

  async function begin(host: Host): Promise<() => Promise<void>> {
    const before = askers.get(host.name);
    if (before !== undefined) before.alive = false;
    const asker = createAsker({ bus: host.bus, clock: host.clock, log: silentLog });
    askers.set(host.name, { asker, host, alive: true });
    return async () => {
      await asker.close();
      await host.bus.close();
    };
  }

  /** One question of an asker: it must end once, in time, and be right. */
  function ask(of: { readonly asker: Asker; readonly alive: boolean }, onEnd: (how: string) => void): void {
    const n = between(1, 1000);
    const asked = clock.now();
    let ended = 0;
    const end = (how: string): void => {
      ended += 1;
      if (ended > 1) violations.push(`question ${n} ended twice`);
      const took = clock.now() - asked;
      if (took > WAIT_MS + SLACK_MS + LONGEST_PAUSE_MS) violations.push(`question ${n} took ${took} ms: ${how}`);
      count(how);
      onEnd(how);
    };
    of.asker.ask(square, { key: `key-${between(0, 12)}`, n }, { waitMs: WAIT_MS }).then(
      (answer) => {
        if (answer.square !== (n === 13 ? undefined : n * n)) violations.push(`${n} squared is ${answer.square}`);
        end('answered');
      },
      (error: unknown) => end(error instanceof QuestionError ? error.code : n === 13 ? 'answered' : String(error)),
    );
  }

  /** Of whichever of its lives it is. */
  function lose(machine: string): void {
    for (let life = 1; life <= MOST_LIVES; life += 1) broker.dropConnection(`${machine}#${life}`);
  }

  await scheduler.run(() => false, 1000);
  faults.start();
  let open = 0;
  for (let at = 0; at < WILD_MS; at += between(5, 60))
    clock.after(at, () => {
      for (const of of askers.values()) if (of.alive && chance() < 0.8) ask(of, () => {});
    });
  for (let n = between(0, 10); n > 0; n -= 1)
    clock.after(between(0, WILD_MS), () => {
      const machine = machines[between(0, machines.length)]!;
      const what = chance();
      if (what < 0.3) machine.kill();
      else if (what < 0.5) machine.pause(between(100, LONGEST_PAUSE_MS));
      else if (what < 0.7) machine.retire();
      else lose(machine.name);
      count(what < 0.3 ? 'kill' : what < 0.5 ? 'stand still' : what < 0.7 ? 'retire' : 'connections lost');
    });
  await scheduler.run(() => false, WILD_MS);
  faults.heal();
  await scheduler.run(() => false, 30_000);

  for (const of of askers.values()) {
    if (of.asker.waiting > 0 && of.alive) violations.push(`${of.asker.waiting} questions wait for ever`);
    for (let n = 0; n < 20; n += 1) {
      open += 1;
      ask(of, (how) => {
        open -= 1;
        if (how !== 'answered') violations.push(`when all is well a question is ${how}`);
      });
    }
  }
  await scheduler.run(() => open === 0, WAIT_MS + 1000);
  if (open > 0) violations.push(`${open} questions never ended`);
  await scheduler.run(() => false, 2 * TTL_MS);
  for (const queue of QUEUES) {
    const { ready, unacked } = broker.queue(queue);
    if (ready.length + unacked > 0) violations.push(`${queue} still holds ${ready.length + unacked}`);
  }
  broker.close();
  return { violations, counts: faults.counts };
}
