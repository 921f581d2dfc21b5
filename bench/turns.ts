import { type Arm, CannotRun, type Settings } from './arm.ts';
import { type ArmResult, type Case, withTurn } from './results.ts';
import type { World } from './world.ts';

export interface TurnsOptions {
  readonly arms: readonly Arm[];
  readonly rounds: number;
  readonly settings: Settings;
  readonly world: World;
}

/**
 * The arms in turns, in every other round from the last to the first: what drifts on the machine is in all of them. One that cannot run says
 * why and has no more turns.
 */
export async function takeTurns({ arms, rounds, settings, world }: TurnsOptions): Promise<readonly ArmResult[]> {
  const cases = new Map<Arm, readonly Case[]>();
  const reasons = new Map<Arm, string>();
  for (let round = 1; round <= rounds; round += 1) {
    for (const arm of round % 2 === 1 ? arms : arms.toReversed()) {
      if (reasons.has(arm)) continue;
      world.say(`round ${round} of ${rounds}: ${arm.title}`);
      try {
        const samples = await arm.run({ world, round, settings });
        cases.set(arm, withTurn(cases.get(arm) ?? [], samples));
      } catch (error) {
        if (!(error instanceof CannotRun)) throw error;
        reasons.set(arm, error.message);
        world.say(`  cannot run: ${error.message}`);
      }
    }
  }
  return arms.map((arm) => {
    const { name, title, group } = arm;
    const cannotRun = reasons.get(arm);
    return { name, title, group, cases: cases.get(arm) ?? [], ...(cannotRun === undefined ? {} : { cannotRun }) };
  });
}
