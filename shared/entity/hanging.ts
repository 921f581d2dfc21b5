export interface HangWatch {
  /** An effect of this type took longer than its limit, for this key. */
  timedOut(type: string, key: string): void;
  succeeded(type: string): void;
  /** Several keys hang in this type of late, and none has succeeded for as long as an effect may take: it is not the keys. */
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
  /** How long a time-out counts; longer than a key that hangs waits for its next try. */
  readonly rememberMs: number;
}): HangWatch {
  const { now, effectMs, keysUntilWidespread, rememberMs } = options;
  /** By type and key: when it timed out last, epoch ms. */
  const hanging = new Map<string, Map<string, number>>();
  const succeededAt = new Map<string, number>();
  return {
    timedOut(type, key) {
      const keys = hanging.get(type) ?? new Map<string, number>();
      hanging.set(type, keys);
      keys.delete(key); // the oldest stay in front
      keys.set(key, now());
      for (const [old, at] of keys) {
        if (now() - at <= rememberMs) break;
        keys.delete(old);
      }
    },
    succeeded(type) {
      hanging.delete(type);
      succeededAt.set(type, now());
    },
    isWidespread: (type) =>
      (hanging.get(type)?.size ?? 0) >= keysUntilWidespread && now() - (succeededAt.get(type) ?? 0) >= effectMs,
  };
}
