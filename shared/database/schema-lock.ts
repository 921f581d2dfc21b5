import type { SchemaStore } from './schema.ts';
import { LockLost } from './migration.ts';
import type { Clock } from '#shared/clock.ts';

/** What a runner that stops answering holds up the others, ms. It is put off three times as often. */
const EXPIRES_AFTER_MS = 30_000;
const LOOK_EVERY_MS = 500;

export interface LockOptions {
  readonly schema: SchemaStore;
  readonly owner: string;
  readonly clock: Clock;
  /** Told who has the lock, whenever that is somebody new. */
  readonly onWaiting: (owner: string) => void;
  readonly signal?: AbortSignal | undefined;
  readonly expiresAfterMs?: number | undefined;
}

/**
 * Runs `work` while the lock is held, which is waited for as long as another runner lives. The lock of one that was killed expires.
 * `work` is told when the lock was lost: a runner that was paused for long has to write nothing more.
 */
export async function locked<Result>(
  { schema, owner, clock, onWaiting, signal, expiresAfterMs = EXPIRES_AFTER_MS }: LockOptions,
  work: (lost: AbortSignal) => Promise<Result>,
): Promise<Result> {
  let told: string | undefined;
  const until = (): number => clock.now() + expiresAfterMs;
  while (!(await schema.lock({ owner, expiresAt: until() }, clock.now()))) {
    const { lock } = await schema.read();
    if (lock !== undefined && lock.owner !== told) onWaiting((told = lock.owner));
    await clock.sleep(LOOK_EVERY_MS, signal);
  }

  const ended = new AbortController();
  const lost = new AbortController();
  const keeping = keep();

  async function keep(): Promise<void> {
    let expiresAt = until();
    for (;;) {
      await clock.sleep(expiresAfterMs / 3, ended.signal).catch(() => {});
      if (ended.signal.aborted) return;
      const next = until();
      const kept = await schema.keep({ owner, expiresAt: next }).catch(() => undefined);
      if (kept === true) expiresAt = next;
      else if (kept === false || clock.now() >= expiresAt)
        return lost.abort(new LockLost(`${owner} has lost the lock`));
    }
  }

  try {
    return await work(lost.signal);
  } finally {
    ended.abort();
    await keeping;
    await schema.unlock(owner).catch(() => {});
  }
}
