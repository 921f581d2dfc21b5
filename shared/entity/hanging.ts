export interface HangWatch {
  /** An effect of this type took longer than its limit, for this key. */
  timedOut(type: string, key: string): void;
  succeeded(type: string): void;
  /** Several keys hang in this type and none has succeeded for as long as an effect may take: it is not the keys. */
  isWidespread(type: string): boolean;
}

/**
 * Tells an effect that hangs for everybody from a key in trouble. One key's messages belong into its stash; those of
 * everybody belong back on the queue, where they expire and the circuit breaker sees them. See
 * `docs/adr/0006-a-hanging-effect-is-given-back.md`.
 */
export function watchForHanging(options: {
  readonly now: () => number;
  readonly effectMs: number;
  readonly keysUntilWidespread: number;
}): HangWatch {
  const { now, effectMs, keysUntilWidespread } = options;
  const hanging = new Map<string, Set<string>>();
  const succeededAt = new Map<string, number>();
  return {
    timedOut(type, key) {
      const keys = hanging.get(type) ?? new Set();
      hanging.set(type, keys);
      if (keys.size < keysUntilWidespread) keys.add(key);
    },
    succeeded(type) {
      hanging.delete(type);
      succeededAt.set(type, now());
    },
    isWidespread: (type) =>
      (hanging.get(type)?.size ?? 0) >= keysUntilWidespread && now() - (succeededAt.get(type) ?? 0) >= effectMs,
  };
}
