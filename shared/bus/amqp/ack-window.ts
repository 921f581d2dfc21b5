export interface Ack {
  readonly tag: number;
  /** Also everything before it that is not acknowledged yet. */
  readonly multiple: boolean;
}

/** Turns the tags of one channel, in whatever order they are done, into few acknowledgements. */
export interface AckWindow {
  settle(tags: readonly number[]): readonly Ack[];
}

/** Tags are given out by the broker from 1, without gaps. A tag settled before is skipped: acknowledging twice is a protocol error. */
export function createAckWindow(): AckWindow {
  /** Everything below is acknowledged. */
  let low = 1;
  /** Acknowledged one by one, `low` or above. */
  const done = new Set<number>();
  return {
    settle(tags) {
      const fresh = new Set<number>();
      for (const tag of tags) if (tag >= low && !done.has(tag)) fresh.add(tag);
      let last: number | undefined;
      let joined = 0;
      for (;;) {
        if (fresh.delete(low)) {
          last = low;
          joined += 1;
        } else if (!done.delete(low)) break;
        low += 1;
      }
      const acks: Ack[] = last === undefined ? [] : [{ tag: last, multiple: joined > 1 }];
      for (const tag of fresh) {
        done.add(tag);
        acks.push({ tag, multiple: false });
      }
      return acks;
    },
  };
}
