import type { HostOptions } from './participants.ts';

/** What an arm of the closed loop is told. */
export interface LoopTask {
  readonly hosting: Pick<HostOptions, 'amqpUrl' | 'mongoUrl' | 'ttlMs' | 'partitions' | 'metrics'>;
  readonly processes: 'one' | 'one-each';
  readonly inFlight: readonly number[];
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** How many customers order; the wallet of each is a key. */
  readonly customers?: number | undefined;
  /** To account CPU. */
  readonly pids: { readonly broker?: number | undefined; readonly database?: number | undefined };
}
