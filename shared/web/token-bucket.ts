export interface Bucket {
  readonly tokens: number;
  /** Epoch ms. */
  readonly at: number;
}

/** The bucket as it is now: filled up since it was looked at last, to its size at most. A clock that went back takes nothing away. */
export function filled({ tokens, at }: Bucket, now: number, perS: number, size: number): Bucket {
  return { tokens: Math.min(size, tokens + (Math.max(0, now - at) * perS) / 1000), at: now };
}
