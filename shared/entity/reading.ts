import type { Parts } from './keeping.ts';
import { current, later, reset, type Head, type Mailbox, type MessageTask, type Task } from './mailbox.ts';
import { isExpired } from './verdict.ts';
import { insist } from '#shared/insist.ts';

export interface Reading<State> {
  /** Loads the document, for the head of the line and those behind it whose deadlines have passed. */
  read(box: Mailbox<State>, task: Task): void;
  /**
   * The document in memory may be old, and no write would show it: another process has changed it, where the key has another
   * partition. It is not once it was read for a wake, or after the deadline of a message.
   */
  isOld(box: Mailbox<State>, task: MessageTask): boolean;
  /** Looks up what is remembered outside about all that wait in line. */
  lookUp(box: Mailbox<State>): void;
  /** The head has no room in the document: it is looked at again whenever something happens here, or another process has made room. */
  waitForRoom(box: Mailbox<State>): void;
}

/** What a mailbox reads before its messages get their verdicts. */
export function createReading<State>({
  clock,
  log,
  limits,
  store,
  keys,
  pump,
}: Pick<Parts<State>, 'clock' | 'log' | 'limits' | 'store' | 'keys' | 'pump'>): Reading<State> {
  /** Whether another process has written the document since; `false` also when that cannot be read. */
  async function isChanged(box: Mailbox<State>, isWanted: () => boolean): Promise<boolean> {
    const found = await store.load([box.key]).catch(() => undefined);
    if (found === undefined || !isWanted() || box.writing.is !== 'nothing') return false;
    return box.document?.version !== (found.get(box.key)?.version ?? 0);
  }

  return {
    read(box, task) {
      const now = clock.now();
      for (const one of box.tasks) {
        if (one.kind !== 'message' && one.kind !== 'wake') continue;
        if (one.kind === 'wake' ? one === task : isExpired(one.message, now)) one.hasRead = true;
      }
      keys.load(box);
    },

    isOld: ({ writing }, { hasRead }) => !hasRead && writing.is === 'nothing',

    lookUp(box) {
      const tasks = box.tasks.filter(
        (task): task is MessageTask => task.kind === 'message' && task.remembered === undefined,
      );
      const ids = tasks.map(({ message }) => message.id);
      const document = current(box);
      later(box, pump, async (isWanted) => {
        const warning = 'looking up ids does not succeed, still trying';
        const how = { warning, fields: { key: box.key }, backoff: limits.retry, isWanted };
        const found = await insist({ clock, log }, how, () => store.recall(box.key, ids));
        return () => {
          // Ids may have left the document since it was asked, also one that is not written yet: it is asked again.
          if (found === undefined || current(box) !== document) return;
          for (const task of tasks) task.remembered = found.get(task.message.id) ?? 'nothing';
        };
      });
    },

    waitForRoom(box) {
      let cancel = (): void => {};
      const head: Head = { is: 'full', cancel: () => cancel() };
      const isWanted = (): boolean => box.head === head;

      function wait(): void {
        cancel = clock.after(limits.stashAfterMs, () => void look());
      }

      async function look(): Promise<void> {
        const isFree = await isChanged(box, isWanted);
        if (!isWanted()) return;
        if (!isFree) return wait();
        reset(box);
        pump(box);
      }

      box.head = head;
      wait();
    },
  };
}
