import { type Block, quantileOf, rateThroughGate } from './gate-rate.ts';
import { redrive } from './gate-redrive.ts';
import { transitions } from './gate-transition.ts';

export interface GateOptions {
  /** A provisioned vhost of its own for a part of the benchmark: an administrator's URL. */
  readonly vhost: (name: string) => Promise<string>;
  readonly brokerPid: number | undefined;
  readonly rounds: number;
  readonly say: (line: string) => void;
}

/** What the gate costs: closed, when it moves, and when what expired comes back. */
export async function benchGate({ vhost, brokerPid, rounds, say }: GateOptions): Promise<void> {
  const { inbox, hash } = await rateThroughGate(await vhost('gate-rate'), {
    rounds: rounds * 6,
    blockMs: 1000,
    brokerPid,
  });
  const medianOf = (blocks: readonly Block[], what: keyof Block): number =>
    quantileOf(
      blocks.map((block) => block[what]),
      0.5,
    );
  const [through, past] = [medianOf(inbox, 'perS'), medianOf(hash, 'perS')];
  const [costThrough, costPast] = [medianOf(inbox, 'brokerUs'), medianOf(hash, 'brokerUs')];
  say('');
  say('| gate | result | aim |');
  say('|---|---|---|');
  say(
    `| closed: messages/s through <route>.in, past it | ${through.toFixed(0)}, ${past.toFixed(0)}: ratio ${(through / past).toFixed(2)} | 0.90 |`,
  );
  say(
    `| closed: broker CPU a message, through and past | ${costThrough.toFixed(0)}, ${costPast.toFixed(0)} us: ratio ${(costPast / costThrough).toFixed(2)} | |`,
  );
  for (const load of [false, true]) {
    const { transitionMs, refusedMs } = await transitions(await vhost(`gate-moves-${load}`), rounds * 80, load);
    const when = load ? 'under load' : 'quiet';
    say(
      `| transition stored, applied, broadcast, ${when}: p50, p99 of ${transitionMs.length} | ${ms(transitionMs)} | p99 < 50 ms |`,
    );
    say(`| until three gateways refuse, ${when}: p50, p99 of ${refusedMs.length} | ${ms(refusedMs)} | < 100 ms |`);
  }
  const { without, during, redriven, seconds } = await redrive(await vhost('gate-redrive'), {
    count: 10_000,
    ordersPerS: 50,
    quietS: 10,
  });
  const raised = quantileOf(during, 0.99) / quantileOf(without, 0.99);
  say(`| fresh orders (50/s), nothing parked: p50, p99 | ${ms(without)} | |`);
  say(
    `| fresh orders while ${redriven} parked messages go back in ${seconds.toFixed(0)} s: p50, p99 | ${ms(during)}: p99 x ${raised.toFixed(2)} | x 1.5 |`,
  );
}

function ms(values: readonly number[]): string {
  return `${quantileOf(values, 0.5).toFixed(1)}, ${quantileOf(values, 0.99).toFixed(1)} ms`;
}
