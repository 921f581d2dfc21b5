import type { GateName } from './breaker.ts';
import type { Session } from '#shared/bus/bus.ts';
import { gate, questionGate } from '#shared/bus/topology/topology.ts';

/** What a gate is set with; a broker's session is one. */
export type GateKeeper = Pick<Session, 'bind' | 'unbind'>;

export interface Gated {
  readonly route: string;
  /** It answers questions, which have a gate of their own. */
  readonly isAsked: boolean;
}

/** Sets all bindings whatever they were. In this order no message goes two ways or none that should go one. */
export async function setGate(keeper: GateKeeper, of: Gated, to: GateName): Promise<void> {
  const { direct, delayed } = gate(of.route);
  switch (to) {
    case 'closed':
      await keeper.bind(direct);
      await keeper.bind(delayed);
      break;
    case 'half_open':
      await keeper.bind(delayed);
      await keeper.unbind(direct);
      break;
    case 'open':
      await keeper.unbind(delayed);
      await keeper.unbind(direct);
  }
  await setQuestions(keeper, of, to);
}

/** From one state to a neighbour: one bind or unbind for messages. Between closed and open, where only an operator goes, all are set. */
export async function moveGate(keeper: GateKeeper, of: Gated, from: GateName, to: GateName): Promise<void> {
  const { direct, delayed } = gate(of.route);
  switch (`${from}-${to}` as const) {
    case 'closed-half_open':
      return keeper.unbind(direct);
    case 'half_open-open':
      await keeper.unbind(delayed);
      return setQuestions(keeper, of, to);
    case 'open-half_open':
      await keeper.bind(delayed);
      return setQuestions(keeper, of, to);
    case 'half_open-closed':
      return keeper.bind(direct);
    default:
      return setGate(keeper, of, to);
  }
}

/** Questions are taken or refused, never delayed. */
async function setQuestions(keeper: GateKeeper, { route, isAsked }: Gated, to: GateName): Promise<void> {
  if (!isAsked) return;
  if (to === 'open') await keeper.unbind(questionGate(route));
  else await keeper.bind(questionGate(route));
}
