import { release, type Head, type Mailbox } from './mailbox.ts';
import type { Clock } from '#shared/clock.ts';

/** The head waits so long for its next try. */
export function hold<State>(
  box: Mailbox<State>,
  waitMs: number,
  clock: Pick<Clock, 'now' | 'after'>,
  pump: (box: Mailbox<State>) => void,
): void {
  const cancel = clock.after(waitMs, () => {
    release(box);
    pump(box);
  });
  box.head = { is: 'waiting', until: clock.now() + waitMs, cancel };
}

/** Holds the head until `work` tells how it goes on; what comes of it is forgotten when the mailbox has another head by then. */
export function later<State>(
  box: Mailbox<State>,
  pump: (box: Mailbox<State>) => void,
  work: (isWanted: () => boolean) => Promise<() => void>,
): Head {
  const head: Head = { is: 'running' };
  box.head = head;
  const isWanted = (): boolean => box.head === head;
  void work(isWanted).then((goOn) => {
    if (!isWanted()) return;
    box.head = { is: 'ended', goOn };
    pump(box);
  });
  return head;
}
