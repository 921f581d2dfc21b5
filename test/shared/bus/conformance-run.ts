import type { ExecutionContext } from 'ava';
import type { BrokerWorld } from '#test/support/broker-world.ts';

/** Registers one test of the suite, on a broker of its own. */
export type Run = (title: string, body: (t: ExecutionContext, world: BrokerWorld) => Promise<void>) => void;
