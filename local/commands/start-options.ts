/** What `npm start` is told on its command line. */
import { commandSpec, parsedBy } from './command-line.ts';
import { type Copies, parseCopies } from '#local/stack/copies.ts';
import { Trouble } from '#local/stack/trouble.ts';

export interface StartCommandOptions {
  /** All services in one process, which costs a small machine least, or one each. */
  readonly processes: 'one' | 'one-each';
  /** Shows one order on its road. */
  readonly demo: boolean;
  readonly workers: Copies;
  /** Three broker nodes instead of one. */
  readonly cluster: boolean;
}

export const startCommand = commandSpec({
  call: 'npm start --',
  does: 'Starts everything on this machine: a private RabbitMQ, a database, the services, one order before your eyes. Ctrl-C stops it.',
  options: {
    demo: { type: 'boolean', default: true, negative: true, means: 'starts without the first order' },
    processes: {
      type: 'string',
      value: 'one|each',
      means: 'one process for all services, which costs least, or one for each; one, unless there are workers',
    },
    workers: { type: 'string', value: 'SERVICE=N,...', means: 'several workers of a service share its partitions' },
    cluster: { type: 'boolean', default: false, means: 'three broker nodes instead of one: any one of them may die' },
  },
  examples: [
    ['', 'the usual start'],
    ['--workers payment=3,saga=2', 'three workers for payments, two for sagas'],
    ['--cluster --no-demo', 'with three broker nodes, without the first order'],
  ],
  exits: '1: it could not start, or a part of it cannot run.',
});

/** @throws {Trouble} that says what is wrong */
export function startOptions(args: readonly string[]): StartCommandOptions {
  const { processes, demo, workers, cluster } = parsedBy(startCommand, args).values;
  if (processes !== undefined && !['one', '1', 'each'].includes(processes))
    throw new Trouble(`--processes ${processes}: it is one (for all services) or each (has its own)`);
  if (workers !== undefined && processes !== undefined && processes !== 'each')
    throw new Trouble('--workers needs a process for each worker: leave --processes out');
  return {
    processes: workers !== undefined || processes === 'each' ? 'one-each' : 'one',
    demo,
    workers: workers === undefined ? {} : parseCopies(workers),
    cluster,
  };
}
