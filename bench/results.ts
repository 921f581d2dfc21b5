import type { Values } from './arm.ts';
import { median, ratio } from './statistics.ts';

/** What one case of an arm showed: of each value one figure a round. */
export interface Case {
  readonly of: string;
  readonly values: Readonly<Record<string, readonly number[]>>;
}

export interface ArmResult {
  readonly name: string;
  readonly title: string;
  readonly group: string;
  readonly cases: readonly Case[];
  /** Why it was not measured. */
  readonly cannotRun?: string;
}

export interface Machine {
  readonly cores: number;
  readonly memoryGb: number;
  readonly cpu: string;
}

export interface Results {
  /** ISO 8601. */
  readonly takenAt: string;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  /** Seconds that each case was measured in a round. */
  readonly seconds: number;
  /** What everybody else on the machine used meanwhile, cores: of each round the median over its arms. */
  readonly coresOfOthers: readonly number[];
  readonly arms: readonly ArmResult[];
}

/** Adds what a turn saw to what the turns before it saw. */
export function withTurn(cases: readonly Case[], samples: readonly { of: string; values: Values }[]): readonly Case[] {
  const before = new Map(cases.map((one) => [one.of, one.values]));
  for (const { of, values } of samples) {
    const old = before.get(of) ?? {};
    const added = Object.entries(values).map(([name, value]) => [name, [...(old[name] ?? []), value]]);
    before.set(of, { ...old, ...(Object.fromEntries(added) as Case['values']) });
  }
  return [...before].map(([of, values]) => ({ of, values }));
}

/** Reads figures of one run. */
export function figuresOf({ arms }: Pick<Results, 'arms'>) {
  const values = (arm: string, of: string, name: string): readonly number[] =>
    arms.find((one) => one.name === arm)?.cases.find((one) => one.of === of)?.values[name] ?? [];
  return {
    values,
    /** NaN: it was not measured. */
    median: (arm: string, of: string, name: string): number => median(values(arm, of, name)),
    /** Round by round; NaN: one of them was not measured. */
    ratio: (
      these: readonly [arm: string, of: string, name: string],
      others: readonly [arm: string, of: string, name: string],
    ): number => ratio(values(...these), values(...others)),
  };
}
