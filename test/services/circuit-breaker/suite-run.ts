import type { ExecutionContext } from 'ava';
import type { World } from './world.ts';
import type { Policy } from '#services/circuit-breaker/breaker.ts';

type Body = (t: ExecutionContext, world: World) => Promise<void>;
/** Registers one test of the suite, on a broker of its own. */
export type Run = (title: string, body: Body, given?: Policy) => void;
