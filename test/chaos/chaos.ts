/** Orders through HTTP on a real stack while one thing after another, and sometimes two at a time, goes wrong; then healing, rest and judgement. */
import { checkoutsBeside, losingAnswers, workedOff } from './checkouts.ts';
import { EXECUTORS } from './executor-faults.ts';
import type { Fault } from './draft.ts';
import { createFaults } from './faults.ts';
import { startTurns } from './turns.ts';
import { judge, type ChaosVerdict } from './verdict.ts';
import { seeded } from '#local/stand-ins/misbehaviour.ts';
import { simulateCheckouts } from '#local/commands/simulator/checkout-run.ts';
import { planOf } from '#local/commands/simulator/plan.ts';
import { simulate } from '#local/commands/simulator/run.ts';
import { systemClock as clock } from '#shared/clock.ts';
import { reasonOf } from '#shared/errors.ts';
import { createShop } from '#test/support/place.ts';
import { startStack } from '#test/support/stack.ts';
import { patience } from '#test/support/until.ts';

export interface ChaosOptions {
  readonly seed: number;
  readonly forMs: number;
  readonly ratePerS: number;
  readonly say: (text: string) => void;
}

export interface ChaosReport extends ChaosVerdict {
  readonly faults: ReadonlyMap<string, number>;
  /** Kinds that could not be done when it was their turn, with the reason. */
  readonly impossible: ReadonlyMap<string, string>;
  readonly pairs: number;
  /** What every process wrote. */
  readonly logs: readonly string[];
}

/** Long enough that a restart does not end an order, short enough that what waits for a deadline ends within minutes. */
const TTL_MS = 5000;
const TIMES = {
  MESSAGE_TTL_MS: String(TTL_MS),
  ORDER_RETRY_MS: '500',
  GATE_DELAY_MS: '1000',
  GATE_CYCLE_MS: '8000',
  STEP_DEADLINE_MS: '40000',
  SAGA_DEADLINE_MS: '120000',
  RESEND_BASE_MS: '1000',
  RESEND_CAP_MS: '10000',
  // What is given up gives the executors nothing to do.
  CHECKOUT_STEP_MS: '30000',
};
const REST_LIMIT_MS = 300_000;
/** A customer goes on asking until everything has long been healed. */
const INSIST_MS = 300_000;
/** So many checkouts for each order that is sent meanwhile. They go on until the last fault is healed. */
const CHECKOUT_SHARE = 0.1;
/** So many more are under way whenever something goes wrong, each a little further than the next. */
const AT_A_STRIKE = 5;
const APART_MS = 60;
/** One of so many of their answers is lost. */
const LOST_EVERY = 4;
/** So many times longer than the orders the faults take at most: what is planned for them is enough. */
const LONGEST = 6;
/** What a pause and the fault after it take, about. */
const ROUND_MS = 6000;

export async function runChaos({ seed, forMs, ratePerS, say }: ChaosOptions): Promise<ChaosReport> {
  await using stack = await startStack({
    env: TIMES,
    ownBroker: true,
    ownDatabase: true,
    relayed: true,
    workers: { payment: 2, saga: 2, wallet: 2, executor: EXECUTORS },
  });
  const draw = seeded(seed);
  const next = createFaults({ stack, draw, beyondTtlMs: TTL_MS + 3000 });
  const plan = planOf({
    seed,
    ratePerS,
    count: Math.ceil((forMs / 1000) * ratePerS),
    customers: 20,
    names: `chaos-${seed}`,
  });
  const funded = Promise.withResolvers<void>();
  const simulation = simulate({
    api: stack.api,
    plan,
    insistMs: INSIST_MS,
    limitMs: patience(REST_LIMIT_MS),
    onProgress: ({ phase }) => phase !== 'funding' && funded.resolve(),
  });
  simulation.catch(funded.reject);
  await funded.promise;
  const shopping = Promise.withResolvers<void>();
  const healed = new AbortController();
  const rounds = Math.max(1, Math.round(forMs / ROUND_MS));
  const everyMs = 1000 / (ratePerS * CHECKOUT_SHARE);
  const turns = startTurns(clock, everyMs);
  turns.give();
  const checkoutPlan = checkoutsBeside(plan, Math.ceil((LONGEST * forMs) / everyMs) + rounds * AT_A_STRIKE);
  const checkingOut = simulateCheckouts({
    api: losingAnswers(stack.api, LOST_EVERY),
    plan: checkoutPlan,
    insistMs: INSIST_MS,
    limitMs: patience(REST_LIMIT_MS),
    enough: healed.signal,
    turn: turns.next,
    onProgress: ({ phase }) => phase === 'placing' && shopping.resolve(),
  });
  checkingOut.catch(shopping.reject);
  await shopping.promise;
  const begun = clock.now();
  const counts = new Map<string, number>();
  const impossible = new Map<string, string>();
  let pairs = 0;
  const at = (): string => `${((clock.now() - begun) / 1000).toFixed(1).padStart(6)} s`;

  async function strike(fault: Fault): Promise<void> {
    say(`${at()}  ${fault.kind}: ${fault.target}${fault.lastsMs > 0 ? ` for ${fault.lastsMs} ms` : ''}`);
    try {
      await fault.strike();
      counts.set(fault.kind, (counts.get(fault.kind) ?? 0) + 1);
      await clock.sleep(fault.lastsMs);
    } catch (error) {
      // What it needs may be away already.
      impossible.set(fault.kind, reasonOf(error));
      say(`${at()}  ${fault.kind} could not be done: ${reasonOf(error)}`);
    } finally {
      await fault.heal();
    }
  }

  // So many, and not for so long: what a seed does is the same on every machine.
  for (let round = 0; round < rounds; round += 1) {
    await clock.sleep(Math.round(1000 + draw() * 4000));
    for (let one = 0; one < AT_A_STRIKE; one += 1) {
      turns.give();
      await clock.sleep(APART_MS);
    }
    const second = draw() < 0.35;
    pairs += second ? 1 : 0;
    await Promise.all([next(), ...(second ? [next()] : [])].map(strike));
  }
  healed.abort();
  turns.stop();
  say(`${at()}  healed; waits until everything has ended`);
  const unready = await stack.ready(120_000).then(
    () => [],
    (error: unknown) => [`not ready after everything was healed: ${String(error)}`],
  );
  const [result, checkouts] = await Promise.all([simulation, checkingOut]);
  const shop = createShop(stack);
  const left = await workedOff(shop, REST_LIMIT_MS);
  say(`${at()}  at rest`);
  const verdict = await judge({
    stack,
    shop,
    customers: [...plan.customers, ...checkoutPlan.orders.customers],
    rows: result.rows,
    checkoutPlan,
    checkouts,
  });
  const violations = [...unready, ...left, ...verdict.violations];
  return { ...verdict, violations, faults: counts, impossible, pairs, logs: [...stack.logs()] };
}
