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
  /** ISO 8601: when its last turn ended. */
  readonly takenAt: string;
  /** How long each case was measured in a round. */
  readonly seconds: number;
  readonly cases: readonly Case[];
  /** What everybody else on the machine used meanwhile, cores, one figure a round. */
  readonly coresOfOthers: readonly number[];
  /** Why it was not measured. */
  readonly cannotRun?: string;
}

export interface Results {
  readonly machine: { readonly cores: number; readonly memoryGb: number; readonly cpu: string };
  readonly versions: Readonly<Record<string, string>>;
  /** Of a happy order; the peers had to do the same. */
  readonly saga: { readonly messages: number; readonly deliveries: number; readonly steps: number };
  readonly arms: readonly ArmResult[];
}

/** Others had more of the machine than this: the figures say little about it. */
const BUSY_CORES = 0.2;

/** Adds what a turn saw to what the turns before it saw. */
export function withTurn(cases: readonly Case[], samples: readonly { of: string; values: Values }[]): readonly Case[] {
  const before = new Map(cases.map((one) => [one.of, one.values]));
  for (const { of, values } of samples) {
    const old = before.get(of) ?? {};
    const added = Object.entries(values).map(([name, value]) => [name, [...(old[name] ?? []), significant(value)]]);
    before.set(of, { ...old, ...(Object.fromEntries(added) as Case['values']) });
  }
  return [...before].map(([of, values]) => ({ of, values }));
}

/** Four significant digits are more than can be repeated. */
function significant(value: number): number {
  return Number(value.toPrecision(4));
}

/** The new run in place of what the old one says of the same arms, in the order of `names`. */
export function merged(old: Results | undefined, fresh: Results, names: readonly string[]): Results {
  const kept = (old?.arms ?? []).filter(({ name }) => fresh.arms.every((one) => one.name !== name));
  const arms = [...kept, ...fresh.arms].toSorted((a, b) => names.indexOf(a.name) - names.indexOf(b.name));
  return { ...fresh, versions: { ...old?.versions, ...fresh.versions }, arms };
}

export function isBusy({ coresOfOthers }: Pick<ArmResult, 'coresOfOthers'>): boolean {
  return median(coresOfOthers) > BUSY_CORES;
}

/** Reads figures of one run. NaN: it was not measured. */
export function figuresOf({ arms }: Pick<Results, 'arms'>) {
  const values = (arm: string, of: string, name: string): readonly number[] =>
    arms.find((one) => one.name === arm)?.cases.find((one) => one.of === of)?.values[name] ?? [];
  return {
    median: (arm: string, of: string, name: string): number => median(values(arm, of, name)),
    /** Round by round. */
    ratio: (these: Place, others: Place): number => ratio(values(...these), values(...others)),
  };
}

export type Place = readonly [arm: string, of: string, name: string];
