import type { TestStack } from '#test/support/stack.ts';

export interface Chaos {
  readonly stack: TestStack;
  /** Longer than a message waits before it expires. */
  readonly beyondTtlMs: number;
  /** A number in [0, 1). */
  readonly draw: () => number;
}

export interface Fault {
  readonly kind: string;
  readonly target: string;
  readonly lastsMs: number;
  strike(): Promise<void> | void;
  heal(): Promise<void> | void;
}

export type Draft = (chaos: Chaos, lasts: (fromMs: number, toMs: number) => number) => Omit<Fault, 'kind'>;
