import { peerArms } from './against/arms.ts';
import type { Arm } from './arm.ts';
import { basketArms } from './baskets/arm.ts';
import { checkoutsArm } from './checkouts/arm.ts';
import { gateArm } from './gate/arm.ts';
import { growthArms } from './growth/arms.ts';
import { lightArm, processArms } from './light/arm.ts';
import { loopArms } from './loop/arms.ts';
import { variantArms } from './loop/variants.ts';
import { questionArms } from './questions/arm.ts';
import { hotSkuArm } from './stock/arm.ts';
import { strategiesArm } from './strategies/arm.ts';
import { workersArm } from './workers/arm.ts';

/** Everything that can be measured, in the order in which it is. */
export const allArms: readonly Arm[] = [
  ...loopArms,
  ...peerArms,
  lightArm,
  ...processArms,
  ...growthArms,
  ...variantArms,
  hotSkuArm,
  checkoutsArm,
  ...basketArms,
  strategiesArm,
  gateArm,
  workersArm,
  ...questionArms,
];
