import { type Arm, CannotRun, type Settings } from './arm.ts';
import { othersSeconds } from './cpu.ts';
import { type ArmResult, type Case, withTurn } from './results.ts';
import type { World } from './world.ts';
import { reasonOf } from '#shared/errors.ts';

export interface TurnsOptions {
  readonly arms: readonly Arm[];
  readonly rounds: number;
  readonly settings: Settings;
  readonly world: World;
  /** Secondary arms have one round. */
  readonly primaryOnly: boolean;
}

/**
 * The arms in turns, in every other round from the last to the first: what drifts on the machine is in all of them. One that cannot run says
 * why and has no more turns; one that failed once, but not at first, has them: nothing that was seen is lost.
 */
export async function takeTurns({
  arms,
  rounds,
  settings,
  world,
  primaryOnly,
}: TurnsOptions): Promise<readonly ArmResult[]> {
  const cases = new Map<Arm, readonly Case[]>();
  const reasons = new Map<Arm, string>();
  const others = new Map<Arm, readonly number[]>();
  const takenAt = new Map<Arm, string>();
  for (let round = 1; round <= rounds; round += 1) {
    for (const arm of round % 2 === 1 ? arms : arms.toReversed()) {
      if (reasons.has(arm) || (round > 1 && primaryOnly && arm.secondary === true)) continue;
      world.say(`round ${round} of ${rounds}: ${arm.title}`);
      const before = { others: othersSeconds(process.pid), at: performance.now() };
      try {
        const samples = await arm.run({ world, round, settings });
        cases.set(arm, withTurn(cases.get(arm) ?? [], samples));
        const used = (othersSeconds(process.pid) - before.others) / ((performance.now() - before.at) / 1000);
        others.set(arm, [...(others.get(arm) ?? []), Math.max(0, Math.round(used * 100) / 100)]);
        takenAt.set(arm, new Date().toISOString());
      } catch (error) {
        const reason = reasonOf(error);
        world.say(`  ${error instanceof CannotRun ? 'cannot run' : 'failed'}: ${reason}`);
        if (!cases.has(arm)) reasons.set(arm, reason);
      }
    }
  }
  return arms.map((arm) => {
    const { name, title, group } = arm;
    const cannotRun = reasons.get(arm);
    return {
      name,
      title,
      group,
      takenAt: takenAt.get(arm) ?? new Date().toISOString(),
      seconds: settings.seconds,
      coresOfOthers: others.get(arm) ?? [],
      cases: cases.get(arm) ?? [],
      ...(cannotRun === undefined ? {} : { cannotRun }),
    };
  });
}
