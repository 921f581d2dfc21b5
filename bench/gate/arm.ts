import { rateThroughGate } from './rate.ts';
import { redrive } from './redrive.ts';
import { transitions } from './transition.ts';
import type { Arm, Sample, Values } from '#bench/arm.ts';
import { median, quantile } from '#bench/statistics.ts';
import { REDRIVE } from '#services/circuit-breaker/pace.ts';

const SLICES = 24;
const TRANSITIONS = 80;
const REDRIVE_ROUNDS = 3;
const REDRIVEN = 1000;

/** What the gate costs: closed, when it moves, and when what expired comes back. */
export const gateArm: Arm = {
  name: 'gate',
  title: 'the gate',
  group: 'gate',
  async run({ world, round }) {
    const vhost = (name: string): Promise<string> => world.vhost(`gate-${name}-${round}`);
    const brokerPid = (await world.broker()).process?.pid();
    const closed = await rateThroughGate(await vhost('rate'), { rounds: SLICES, sliceMs: 250, brokerPid });
    const { rounds, brokerUs } = closed;
    const through = rounds.map(({ inbox, hash, again }) => inbox / ((hash + again) / 2));
    const itself = rounds.map(({ hash, again }) => again / hash);
    const samples: Sample[] = [
      {
        of: 'closed',
        values: {
          throughPerS: median(rounds.map(({ inbox }) => inbox)),
          pastPerS: median(rounds.map(({ hash }) => hash)),
          ratio: median(through),
          ratioLow: quantile(through, 0.25),
          ratioHigh: quantile(through, 0.75),
          ratioOfItself: median(itself),
          throughBrokerUs: brokerUs.inbox,
          pastBrokerUs: (brokerUs.hash + brokerUs.again) / 2,
        },
      },
    ];
    for (const load of [false, true]) {
      const name = load ? 'under-load' : 'quiet';
      const { transitionMs, refusedMs, roundTripMs } = await transitions(await vhost(name), TRANSITIONS, load);
      samples.push({
        of: load ? 'moves under load' : 'moves',
        values: {
          ...both('transition', transitionMs),
          ...both('refused', refusedMs),
          ...both('roundTrip', roundTripMs),
        },
      });
    }
    const perS = REDRIVE.capPerS;
    const latencies = await redrive(await vhost('redrive'), {
      paces: [0, perS],
      rounds: REDRIVE_ROUNDS,
      sliceS: REDRIVEN / perS,
      ordersPerS: 50,
    });
    const [without = [], during = []] = [0, 1].map((arm) => latencies.flatMap((one) => one[arm] ?? []));
    samples.push({ of: 'redrive', values: { perS, ...both('without', without), ...both('during', during) } });
    return samples;
  },
};

function both(name: string, values: readonly number[]): Values {
  return { [`${name}P50Ms`]: quantile(values, 0.5), [`${name}P99Ms`]: quantile(values, 0.99) };
}
