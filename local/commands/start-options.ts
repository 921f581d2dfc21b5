/** What `npm start` is told on its command line. */
import { parseArgs } from 'node:util';
import { type Copies, parseCopies } from '#local/stack/copies.ts';
import { toldOf, Trouble } from '#local/stack/trouble.ts';

export interface StartOptions {
  /** All services in one process, which costs a small machine least, or one each. */
  readonly processes: 'one' | 'one-each';
  /** Shows one order on its road. */
  readonly demo: boolean;
  readonly workers: Copies;
  /** Three broker nodes instead of one. */
  readonly cluster: boolean;
}

const USAGE =
  'npm start [-- --workers payment=3,saga=2] [--processes=each] [--cluster] [--no-demo]; the README says what each does';

/** @throws {Trouble} that says what is wrong */
export function startOptions(args: readonly string[]): StartOptions {
  const { processes, demo, workers, cluster } = parsed(args);
  if (processes !== undefined && !['one', '1', 'each'].includes(processes))
    throw new Trouble(`--processes ${processes}: one (for all services) or each (has its own). ${USAGE}`);
  if (workers !== undefined && processes !== undefined && processes !== 'each')
    throw new Trouble('--workers needs a process for each worker: leave --processes out');
  return {
    processes: workers !== undefined || processes === 'each' ? 'one-each' : 'one',
    demo,
    workers: workers === undefined ? {} : parseCopies(workers),
    cluster,
  };
}

function parsed(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        processes: { type: 'string' },
        workers: { type: 'string' },
        demo: { type: 'boolean', default: true },
        cluster: { type: 'boolean', default: false },
      },
      allowNegative: true,
    });
    return values;
  } catch (error) {
    throw new Trouble(`${toldOf(error)}. ${USAGE}`);
  }
}
