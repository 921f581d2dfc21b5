import { startStack, type StartedStack } from './stack.ts';
import { mailsOf, type Mails } from './mails.ts';
import type { Arm, Sample, Values } from '#bench/arm.ts';
import { cpuSecondsByPart, machineSeconds } from '#bench/cpu.ts';
import { quantile } from '#bench/statistics.ts';
import { type Api, createApi } from '#local/commands/api.ts';
import { fund } from '#local/commands/simulator/fund.ts';
import { systemClock as clock } from '#shared/clock.ts';

const CUSTOMERS = 50;
const FUNDS_MINOR = 100_000_000;
/** So far apart that each order is alone. */
const ALONE_PER_S = 1;
/** Fewer say nothing. */
const LEAST_ALONE = 8;
const WARM_UP = { perS: 20, seconds: 6 };
const MAIL_LIMIT_MS = 120_000;

interface Used {
  readonly byPart: Readonly<Record<string, number>>;
  readonly machine: number;
  readonly load: number;
  readonly at: number;
}

/**
 * The light load: what `npm start` starts, orders over HTTP at a steady pace whatever becomes of those before (an open
 * loop), from each one's acceptance to its last mail; and what all processes of the stack spend, at rest and for an order.
 */
export const lightArm: Arm = light({ name: 'light', title: 'the stack of `npm start`, light load', group: 'light' });

/** The same in one process and in nine, in turns: what the default costs and gives. */
export const processArms: readonly Arm[] = [
  light({ name: 'light-one', title: 'one process for all', group: 'processes', onlyNamed: true }, '--processes=1'),
  light({ name: 'light-each', title: 'a process each', group: 'processes', onlyNamed: true }, '--processes=each'),
];

/** `args`: how the stack is started. */
function light(arm: Omit<Arm, 'run'>, ...args: readonly string[]): Arm {
  const { name } = arm;
  return {
    ...arm,
    async run({ world, round, settings }) {
      await using stack = await startStack(world, `${name}-${round}`, [...args, ...settings.start]);
      const api = createApi(stack.addresses.api, stack.addresses.operatorToken);
      const mails = mailsOf(stack.addresses.inbox);
      const customers = Array.from({ length: CUSTOMERS }, (_, n) => ({ id: `bench-${n}`, fundsMinor: FUNDS_MINOR }));
      await fund({ api, clock, run: 'bench' }, customers);
      const load = { api, mails, stack };
      await measure(load, { ...WARM_UP, name: 'warm-up' });
      const samples: Sample[] = [{ of: 'at rest', values: await atRest(stack, settings.seconds) }];
      const { seconds } = settings;
      const alone = { of: 'alone', perS: ALONE_PER_S, seconds: Math.max(LEAST_ALONE / ALONE_PER_S, seconds) };
      for (const { of, ...pace } of [alone, ...settings.rates.map((perS) => ({ of: `${perS}/s`, perS, seconds }))]) {
        const values = await measure(load, { ...pace, name: of.replace('/', '-') });
        samples.push({ of, values });
        world.say(
          `  ${of}: p50 ${values['p50Ms']!.toFixed(0)} ms, p95 ${values['p95Ms']!.toFixed(0)} ms, ${values['cpuMs']!.toFixed(0)} ms of CPU an order, ${values['cores']!.toFixed(2)} cores${values['refused']! > 0 ? `, ${values['refused']} of them refused` : ''}`,
        );
      }
      return samples;
    },
  };
}

async function atRest(stack: StartedStack, seconds: number): Promise<Values> {
  const before = used(stack);
  await clock.sleep(seconds * 1000);
  return cores(before, used(stack));
}

interface Load {
  readonly api: Api;
  readonly mails: Mails;
  readonly stack: StartedStack;
}

/** One pace: all its orders are sent, whatever they take; then their mails are waited for. */
async function measure(
  { api, mails, stack }: Load,
  { perS, seconds, name }: { readonly perS: number; readonly seconds: number; readonly name: string },
): Promise<Values> {
  await mails.forget();
  const count = Math.max(1, Math.round(perS * seconds));
  const before = used(stack);
  const startedAt = clock.now();
  const placing: Promise<Placed | undefined>[] = [];
  for (let n = 0; n < count; n += 1) {
    const earlyMs = startedAt + (n * 1000) / perS - clock.now();
    if (earlyMs > 0) await clock.sleep(earlyMs);
    placing.push(place(api, n, `${name}-${n}@example.org`));
  }
  await clock.sleep(startedAt + (count * 1000) / perS - clock.now());
  const sent = used(stack);
  const placed = (await Promise.all(placing)).filter((one) => one !== undefined);
  const arrived = await mails.all(
    placed.map(({ email }) => email),
    MAIL_LIMIT_MS,
  );
  const latencies = placed.map(({ email, acceptedAt }) => arrived.get(email)! - acceptedAt);
  const done = used(stack);
  const cpuMs = Object.fromEntries(
    Object.entries(done.byPart).map(([part, one]) => [
      `cpuMs.${part}`,
      ((one - (before.byPart[part] ?? 0)) * 1000) / Math.max(1, placed.length),
    ]),
  );
  return {
    p50Ms: quantile(latencies, 0.5),
    p95Ms: quantile(latencies, 0.95),
    orders: placed.length,
    refused: count - placed.length,
    cpuMs: Object.values(cpuMs).reduce((sum, one) => sum + one, 0),
    ...cpuMs,
    ...cores(before, sent),
  };
}

interface Placed {
  readonly email: string;
  readonly acceptedAt: number;
}

/** Undefined: the stack had no room for it, or did not answer. */
async function place(api: Api, n: number, email: string): Promise<Placed | undefined> {
  const body = {
    customerId: `bench-${n % CUSTOMERS}`,
    email,
    items: [{ sku: 'book', quantity: 1, unitPrice: { amount: 1299, currency: 'EUR' } }],
    paymentMethod: 'pm_ok',
  };
  const answer = await api.post('/v1/orders', body, { 'idempotency-key': clock.id() }).catch(() => undefined);
  return answer?.status === 202 ? { email, acceptedAt: clock.now() } : undefined;
}

function used({ pid }: StartedStack): Used {
  const { user, system } = process.cpuUsage();
  return {
    byPart: cpuSecondsByPart(pid),
    machine: machineSeconds(),
    load: (user + system) / 1e6,
    at: clock.now() / 1000,
  };
}

/** Cores that were busy meanwhile: the stack's, by part; the load's; everybody else's. */
function cores(before: Used, after: Used): Values {
  const seconds = after.at - before.at;
  const parts = Object.entries(after.byPart).map(
    ([part, one]) => [`cores.${part}`, (one - (before.byPart[part] ?? 0)) / seconds] as const,
  );
  const own = parts.reduce((sum, [, one]) => sum + one, 0);
  const load = (after.load - before.load) / seconds;
  const others = (after.machine - before.machine) / seconds - own - load;
  return { cores: own, ...Object.fromEntries(parts), coresOfLoad: load, coresOfOthers: Math.max(0, others) };
}
