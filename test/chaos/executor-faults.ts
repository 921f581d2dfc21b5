/** What goes wrong with executors alone: dead, frozen past an election, or not hearing each other while each reaches the queue. */
import type { Draft } from './draft.ts';
import { executorIds } from '#services/executor/contract.ts';
import type { RaftMessage } from '#services/executor/raft/state.ts';
import { jsonIn } from '#shared/bus/json-in.ts';
import { peerKey } from '#shared/bus/topology/topology.ts';

export const EXECUTORS = 3;
const IDS = executorIds(EXECUTORS);
const PEERS = peerKey('executor', '');

type Cut = (from: string, to: string) => boolean;

const CUTS: Readonly<Record<string, (one: string) => Cut>> = {
  'cut off': (one) => (from, to) => from === one || to === one,
  'not heard': (one) => (from) => from === one,
  'hears nobody': (one) => (_, to) => to === one,
  'all from all': () => () => true,
};

const drawn = <T>(draw: () => number, of: readonly T[]): T => of[Math.floor(draw() * of.length)]!;

export const executorFaults: Readonly<Record<string, Draft>> = {
  'executor killed': ({ stack, draw }) => {
    const target = drawn(draw, IDS);
    return { target, lastsMs: 0, strike: () => void stack.process(target).kill('SIGKILL'), heal: () => {} };
  },
  'executor frozen past an election': ({ stack, draw }, lasts) => {
    const target = drawn(draw, IDS);
    const process = stack.process(target);
    const pid = process.pid();
    const send = (signal: NodeJS.Signals): void => {
      if (pid !== undefined && process.pid() === pid) process.kill(signal);
    };
    return { target, lastsMs: lasts(3000, 8000), strike: () => send('SIGSTOP'), heal: () => send('SIGCONT') };
  },
  'executors do not hear each other': ({ stack, draw }, lasts) => {
    const [one, how] = [drawn(draw, IDS), drawn(draw, Object.keys(CUTS))];
    const isCut = CUTS[how]!(one);
    const isLost = ({ body }: { readonly body: Buffer }): boolean => {
      const { from, to } = jsonIn(body) as RaftMessage;
      return isCut(from, to);
    };
    return {
      target: `${one}, ${how}`,
      lastsMs: lasts(3000, 8000),
      strike: () => stack.relays?.broker.lose({ wants: (key) => key.startsWith(PEERS), isLost }),
      heal: () => stack.relays?.broker.lose(undefined),
    };
  },
};
