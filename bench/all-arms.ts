import type { Arm } from './arm.ts';
import { peerArms } from './against/arms.ts';
import { gateArm } from './gate/arm.ts';
import { lightArm } from './light/arm.ts';
import { loopArms } from './loop/arms.ts';
import { workersArm } from './workers/arm.ts';

/** Everything that can be measured, in the order in which it is. */
export const allArms: readonly Arm[] = [...loopArms, ...peerArms, lightArm, gateArm, workersArm];
