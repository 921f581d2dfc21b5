/**
 * `npm run demo:breaker`: a stack of its own with short times. Its payment service stops consuming under a steady load of
 * orders, the gate closes by half and then opens; consuming goes on, and everything recovers. One line a cycle; at the
 * end every accepted order must have ended.
 */
import { join } from 'node:path';
import type { Breaker } from '#services/circuit-breaker/contract.ts';
import { parseTokenKeys, signToken } from '#shared/web/tokens.ts';
import { systemClock } from '#shared/clock.ts';
import { silentLog } from '#shared/log.ts';
import { privateDir, stackDir } from '#local/stack/addresses.ts';
import { createApi, type Api } from './api.ts';
import { commandLine, commandSpec } from './command-line.ts';
import { startBroker } from '#local/stack/broker.ts';
import { removeTestRun } from '#local/stack/clean-up.ts';
import { startDatabase } from '#local/stack/database.ts';
import { lifetime } from '#local/stack/lifetime.ts';
import { anyFreePort } from '#local/stack/ports.ts';
import { loadSecrets } from '#local/stack/secrets.ts';
import { brokerUsers } from '#services/services.ts';
import { planOf } from './simulator/plan.ts';
import { ENDS, type SimulationProgress, type OrderResult } from './simulator/result.ts';
import { simulate } from './simulator/run.ts';
import { startStack } from '#local/stack/stack.ts';
import { Trouble } from '#local/stack/trouble.ts';

const TIMES = {
  MESSAGE_TTL_MS: '1500',
  GATE_DELAY_MS: '500',
  GATE_CYCLE_MS: '2500',
  STEP_DEADLINE_MS: '120000',
  RESEND_BASE_MS: '1000',
};
const ORDERS_PER_SECOND = 10;
const CYCLE_MS = Number(TIMES.GATE_CYCLE_MS);
const LIMIT_MS = 120_000;
const dir = join(stackDir, `demo-${process.pid}`);
const say = (text: string): void => void process.stdout.write(`${text}\n`);

commandLine(
  commandSpec({
    call: 'npm run demo:breaker',
    does: `Starts a stack of its own with short times, stops its payment service under ${ORDERS_PER_SECOND} orders a second, and shows
  the gate delaying, refusing and recovering: a line a cycle, about a minute in all.`,
    options: {},
    examples: [['', 'the whole story']],
    exits: '1: an accepted order did not end, or the gate did not move as it must.',
  }),
);

await lifetime({ signalCode: 130 }, async ({ onStop, fail, finish }) => {
  onStop(() => removeTestRun(dir));
  privateDir(stackDir);
  const secrets = loadSecrets(dir, brokerUsers);
  const common = {
    dir,
    recordDir: join(dir, 'run'),
    onStop,
    say: () => {},
    tell: () => {},
    output: () => {},
    onGivenUp: (name: string, reason: string) => fail(new Trouble(`${name} cannot run: ${reason}`)),
  };
  say('Starting a stack with short times: TTL 1.5 s, delay 0.5 s, cycle 2.5 s ...');
  const ports = { amqp: await anyFreePort(), management: await anyFreePort() };
  const [broker, database] = await Promise.all([
    startBroker({ ...common, ports, password: secrets.brokerAdmin, disposable: true }),
    startDatabase({ ...common, port: await anyFreePort() }),
  ]);
  const stack = await startStack({
    ...common,
    broker,
    database,
    databaseName: 'demo',
    vhost: 'demo',
    secrets,
    processes: 'one-each',
    ports: 'any',
    env: TIMES,
    log: silentLog,
  });
  onStop(() => stack.stop());
  await stack.ready();
  const keys = parseTokenKeys(secrets.tokenKeys);
  const api = createApi(stack.api, await signToken({ subject: 'operator', role: 'operator', expiresInS: 3600 }, keys));
  const load = startLoad(api);
  onStop(() => load.abandon());
  const problems = await show(api, load);
  for (const problem of problems) say(problem);
  finish(problems.length === 0 ? 0 : 1, problems.length === 0 ? 'Every accepted order ended; nothing was lost.' : '');
});

interface Load {
  /** Orders that were accepted and that were not, since the last call. */
  sinceLastCall(): Pick<SimulationProgress, 'accepted' | 'notAccepted'>;
  elapsedMs(): number;
  /** Places nothing more and waits until every accepted order has ended. */
  end(): Promise<OrderResult>;
  /** Waits for no order. */
  abandon(): Promise<void>;
}

/** More orders than the story needs, all of them good, without a second try. */
function startLoad(api: Api): Load {
  const [enough, abandoned] = [new AbortController(), new AbortController()];
  const count = (10 * LIMIT_MS * ORDERS_PER_SECOND) / 1000;
  const plan = planOf({ seed: 1, ratePerS: ORDERS_PER_SECOND, count, customers: 20, mix: { ok: 1 }, names: 'demo' });
  let now = { accepted: 0, notAccepted: 0, elapsedMs: 0 };
  let before = now;
  const result = simulate({
    api,
    plan,
    enough: enough.signal,
    signal: abandoned.signal,
    limitMs: LIMIT_MS,
    onProgress: (progress) => (now = progress),
  });
  result.catch(() => {}); // awaited at the end
  return {
    sinceLastCall() {
      const since = { accepted: now.accepted - before.accepted, notAccepted: now.notAccepted - before.notAccepted };
      before = now;
      return since;
    },
    elapsedMs: () => now.elapsedMs,
    end() {
      enough.abort();
      return result;
    },
    async abandon() {
      abandoned.abort();
      await result.catch(() => {});
    },
  };
}

/** Runs the story and gives what went wrong in it. */
async function show(api: Api, load: Load): Promise<readonly string[]> {
  say(`\n${ORDERS_PER_SECOND} orders a second.\n\n   time  payment    accepted  refused  expired  delayed  parked`);
  await cycles(api, load, async (breaker, count) => breaker.state === 'closed' && count >= 2);
  say('         --- the payment service stops consuming');
  await api.put('/v1/faults/payment', { pauseConsuming: true });
  let open = 0;
  await cycles(api, load, async (breaker) => {
    if (breaker.state === 'open') open += 1;
    return open >= 3;
  });
  say('         --- the payment service consumes again');
  await api.put('/v1/faults/payment', {});
  await cycles(api, load, async (breaker) => breaker.state === 'closed' && breaker.parked === 0);
  say('\nNo new orders. Waiting until every accepted one has ended ...');
  const { rows } = await load.end();
  const count = (outcome: string): number => rows.filter((row) => row.outcome === outcome).length;
  const outcomes = ENDS.flatMap((end) => (count(end) === 0 ? [] : [`${count(end)} ${end}`]));
  const accepted = rows.filter(({ orderId }) => orderId !== undefined).length;
  const others = count('unanswered') + count('rejected');
  say(
    `${accepted} accepted: ${outcomes.join(', ')}. ${count('refused')} refused with 503 before anything was stored.` +
      (others === 0 ? '' : ` ${others} without an answer.`),
  );
  return rows
    .filter(({ outcome }) => outcome === 'open')
    .map(({ orderId }) => `order ${orderId} was accepted and has not ended`);
}

type Shown = Breaker & { readonly transitions: readonly { readonly from: string; readonly to: string }[] };

/** Prints one line a cycle until `over`; fails when the breaker takes too long. */
async function cycles(api: Api, load: Load, over: (breaker: Shown, count: number) => Promise<boolean>): Promise<void> {
  const limit = systemClock.now() + LIMIT_MS;
  for (let count = 1; ; count += 1) {
    await systemClock.sleep(CYCLE_MS);
    const { status, body } = await api.get<Shown>('/v1/breakers/payment');
    if (status !== 200) throw new Trouble(`the breaker is not known: ${JSON.stringify(body)}`);
    const { accepted, notAccepted } = load.sinceLastCall();
    const cells = [accepted, notAccepted, body.expiredTotal, body.delayed, body.parked].map((cell) =>
      String(cell ?? '-').padStart(7),
    );
    const time = (load.elapsedMs() / 1000).toFixed(1).padStart(6);
    say(`${time}s  ${body.state.padEnd(10)} ${cells.join('  ')}`);
    if (await over(body, count)) return;
    if (systemClock.now() > limit) throw new Trouble('the breaker did not get where it should');
  }
}
