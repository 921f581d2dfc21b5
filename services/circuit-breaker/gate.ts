import type { GateName } from './breaker.ts';
import type { Session } from '#shared/bus/bus.ts';
import { gate } from '#shared/bus/topology/topology.ts';

/** What a gate is set with; a broker's session is one. */
export type GateKeeper = Pick<Session, 'bind' | 'unbind'>;

/** Sets both bindings whatever they were. In this order no message goes two ways or none that should go one. */
export async function setGate(keeper: GateKeeper, route: string, to: GateName): Promise<void> {
  const { direct, delayed } = gate(route);
  switch (to) {
    case 'closed':
      await keeper.bind(direct);
      await keeper.bind(delayed);
      return;
    case 'half_open':
      await keeper.bind(delayed);
      await keeper.unbind(direct);
      return;
    case 'open':
      await keeper.unbind(delayed);
      await keeper.unbind(direct);
  }
}

/** From one state to a neighbour: one bind or unbind. Between closed and open, where only an operator goes, both are set. */
export async function moveGate(keeper: GateKeeper, route: string, from: GateName, to: GateName): Promise<void> {
  const { direct, delayed } = gate(route);
  switch (`${from}-${to}` as const) {
    case 'closed-half_open':
      return keeper.unbind(direct);
    case 'half_open-open':
      return keeper.unbind(delayed);
    case 'open-half_open':
      return keeper.bind(delayed);
    case 'half_open-closed':
      return keeper.bind(direct);
    default:
      return setGate(keeper, route, to);
  }
}
