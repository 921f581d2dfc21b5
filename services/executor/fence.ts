/** What the queue has seen of those who execute it. */
export interface Fence {
  /** The newest term that anybody executed in, or announced. */
  readonly term: number;
  /** The executor of that term; absent: nobody has come yet. */
  readonly executor?: string;
  /** The last entry that was executed. */
  readonly executed: number;
}

export const UNFENCED: Fence = { term: 0, executed: 0 };

export interface Claim {
  readonly term: number;
  readonly executor: string;
}

export type FenceRefusal = 'stale_term' | 'not_the_leader' | 'out_of_order';

export type Admission =
  | { readonly kind: 'admitted'; readonly fence: Fence }
  | { readonly kind: 'refused'; readonly reason: FenceRefusal };

/** Lets an executor through, if the queue has seen no newer term; from then on all older terms are refused. */
export function admitted(fence: Fence, { term, executor }: Claim): Admission {
  if (term < fence.term) return { kind: 'refused', reason: 'stale_term' };
  if (term === fence.term && fence.executor !== undefined && fence.executor !== executor)
    return { kind: 'refused', reason: 'not_the_leader' };
  return { kind: 'admitted', fence: { ...fence, term, executor } };
}

/** `undefined`: it was executed before. Entries are executed in their order, each once. */
export function advanced(fence: Fence, seq: number): Admission | undefined {
  if (seq <= fence.executed) return undefined;
  if (seq !== fence.executed + 1) return { kind: 'refused', reason: 'out_of_order' };
  return { kind: 'admitted', fence: { ...fence, executed: seq } };
}
