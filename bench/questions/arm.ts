import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { load, type QuestionLoad } from './load.ts';
import { asking } from './ends.ts';
import { answeringPrices, questionVhost } from './town.ts';
import type { Arm, Sample } from '#bench/arm.ts';
import { cpuSeconds } from '#bench/cpu.ts';
import { quantile } from '#bench/statistics.ts';
import { projectDir } from '#local/stack/own-process.ts';

const MANY_KEYS = 10_000;
const FEW_KEYS = 4;

const cases: readonly (Omit<QuestionLoad, 'seconds'> & { readonly of: string })[] = [
  { of: 'one at a time', inFlight: 1, together: 1, keys: MANY_KEYS },
  { of: '500 in flight, 10,000 keys', inFlight: 500, together: 1, keys: MANY_KEYS },
  { of: '500 in flight, 4 keys', inFlight: 500, together: 1, keys: FEW_KEYS },
  { of: '100 baskets of 5 in flight, 4 products', inFlight: 100, together: 5, keys: FEW_KEYS },
  { of: '500 baskets of 5 in flight, 4 products', inFlight: 500, together: 5, keys: FEW_KEYS },
];

/** Questions over the broker, the owner in this process or in another. */
function arm(name: string, title: string, owner: (amqpUrl: string) => Promise<() => Promise<void>>): Arm {
  return {
    name,
    title,
    group: 'questions',
    async run({ world, round, settings: { seconds } }) {
      const amqpUrl = await questionVhost(world, `${name}-${round}`);
      const stop = await owner(amqpUrl);
      const { asker, close } = await asking(amqpUrl, 'door');
      const samples: Sample[] = [];
      try {
        for (const { of, ...one } of cases) {
          const before = cpuSeconds(process.pid);
          const { questionsPerS, turnsPerS, latencies } = await load(asker, { ...one, seconds });
          const values = {
            questionsPerS,
            turnsPerS,
            p50Ms: quantile(latencies, 0.5),
            p99Ms: quantile(latencies, 0.99),
            'cores.all': (cpuSeconds(process.pid) - before) / seconds,
          };
          samples.push({ of, values });
        }
        return samples;
      } finally {
        await close();
        await stop();
      }
    },
  };
}

async function elsewhere(amqpUrl: string): Promise<() => Promise<void>> {
  const execArgv = ['--disable-warning=ExperimentalWarning'];
  const child = fork(join(projectDir, 'bench/questions/owner-process.ts'), [amqpUrl], { execArgv });
  const ended = once(child, 'exit');
  await Promise.race([once(child, 'message'), ended]);
  return async () => {
    child.kill('SIGKILL');
    await ended;
  };
}

export const questionArms: readonly Arm[] = [
  arm('questions-one', 'questions, owner and asker in one process', answeringPrices),
  arm('questions-two', 'questions, the owner in another process', elsewhere),
];
