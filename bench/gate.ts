import { quantileOf, rateThroughGate } from './gate-rate.ts';
import { redrive } from './gate-redrive.ts';
import { transitions } from './gate-transition.ts';
import { REDRIVE } from '#services/circuit-breaker/pace.ts';

export interface GateOptions {
  /** A provisioned vhost of its own for a part of the benchmark: an administrator's URL. */
  readonly vhost: (name: string) => Promise<string>;
  readonly brokerPid: number | undefined;
  readonly rounds: number;
  readonly say: (line: string) => void;
}

/** What the gate costs: closed, when it moves, and when what expired comes back. */
export async function benchGate({ vhost, brokerPid, rounds, say }: GateOptions): Promise<void> {
  const { rounds: slices, brokerUs } = await rateThroughGate(await vhost('gate-rate'), {
    rounds: rounds * 24,
    sliceMs: 250,
    brokerPid,
  });
  const median = (arm: 'inbox' | 'hash' | 'again'): string =>
    quantileOf(
      slices.map((round) => round[arm]),
      0.5,
    ).toFixed(0);
  say('');
  say('| gate | result | aim |');
  say('|---|---|---|');
  say(
    `| closed: messages/s through <route>.in, past it | ${median('inbox')}, ${median('hash')}: ratio ${spread(slices.map(({ inbox, hash, again }) => inbox / ((hash + again) / 2)))} | 0.90 |`,
  );
  say(
    `| past it against past it, the same slices | ratio ${spread(slices.map(({ hash, again }) => again / hash))} | |`,
  );
  say(
    `| closed: broker CPU a message, through and past | ${brokerUs.inbox.toFixed(0)}, ${brokerUs.hash.toFixed(0)} and ${brokerUs.again.toFixed(0)} us | |`,
  );
  for (const load of [false, true]) {
    const { transitionMs, partMs, refusedMs, roundTripMs } = await transitions(
      await vhost(`gate-moves-${load}`),
      rounds * 80,
      load,
    );
    const when = load ? 'under load' : 'quiet';
    say(
      `| transition stored, applied, broadcast, ${when}: p50, p99 of ${transitionMs.length} | ${ms(transitionMs)} | p99 < 50 ms |`,
    );
    const parts = `${ms(partMs.stored)}; ${ms(partMs.applied)}; ${ms(partMs.broadcast)}`;
    say(`| of which stored; applied; broadcast | ${parts} | |`);
    say(`| one bare question to the broker, ${when}: p50, p99 | ${ms(roundTripMs)} | |`);
    say(`| until three gateways refuse, ${when}: p50, p99 of ${refusedMs.length} | ${ms(refusedMs)} | < 100 ms |`);
  }
  const pace = REDRIVE.capPerS;
  const latencies = await redrive(await vhost('gate-redrive'), {
    paces: [0, pace],
    rounds: 10,
    sliceS: 1000 / pace,
    ordersPerS: 50,
  });
  const [without = [], during = []] = [0, 1].map((arm) => latencies.flatMap((round) => round[arm] ?? []));
  const raised = latencies.map(([quiet = [], busy = []]) => quantileOf(busy, 0.99) / quantileOf(quiet, 0.99));
  say(`| fresh orders (50/s), nothing parked: p50, p99 | ${ms(without)} | |`);
  say(
    `| fresh orders while 10,000 parked messages go back, ${pace}/s, in turns: p50, p99 | ${ms(during)}; p99 x ${(quantileOf(during, 0.99) / quantileOf(without, 0.99)).toFixed(2)}, by round ${spread(raised)} | x 1.5 |`,
  );
}

function ms(values: readonly number[]): string {
  return `${quantileOf(values, 0.5).toFixed(1)}, ${quantileOf(values, 0.99).toFixed(1)} ms`;
}

/** Median of ratios, with the quartiles. */
function spread(ratios: readonly number[]): string {
  const [low, middle, high] = [0.25, 0.5, 0.75].map((q) => quantileOf(ratios, q).toFixed(2));
  return `${middle} (quartiles ${low}, ${high}; ${ratios.length} rounds)`;
}
