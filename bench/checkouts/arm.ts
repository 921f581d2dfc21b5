import type { CheckoutsTask } from './process.ts';
import type { Arm } from '#bench/arm.ts';
import { inChild } from '#bench/child.ts';

const TURNS = 3;
const IN_FLIGHT = 50;
const PER_S = 50;
const WARM_UP_S = 3;

/** What a checkout costs beside an order without one. An election while nothing is wrong ends it. */
export const checkoutsArm: Arm = {
  name: 'checkouts',
  title: 'a checkout and its order',
  group: 'checkouts',
  run({ world, settings: { seconds } }) {
    const task: CheckoutsTask = { turns: TURNS, inFlight: IN_FLIGHT, perS: PER_S, seconds, warmUpSeconds: WARM_UP_S };
    return inChild(world, 'bench/checkouts/process.ts', task);
  },
};
