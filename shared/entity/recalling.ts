import type { Recorded } from './entity.ts';
import type { Parts } from './keeping.ts';
import { later } from './heads.ts';
import { current, type Mailbox, type Run } from './mailbox.ts';
import { insist } from '#shared/insist.ts';
import type { Message } from '#shared/message.ts';

/** What is looked up of one key and not asked for again goes when it is more than this. */
const MOST_RECALLED = 1000;

/**
 * Journal records that handlers have to know. They are read for all messages that wait in line of a key at once, so that a key whose
 * past has left its document still works off many messages with one read and one write.
 */
export function createRecalling<State>(parts: Parts<State>) {
  const { handlers, limits, store, pump } = parts;

  function recordedOf(box: Mailbox<State>): Recorded {
    const { journal } = current(box);
    return (id) => journal.find((record) => record.id === id) ?? box.recalled.get(id);
  }

  /** What the handler of this message asks for and nobody has looked up. */
  function missing(box: Mailbox<State>, message: Message, recorded: Recorded): readonly string[] {
    const ids = handlers.of(message)?.recalls?.(current(box).state, message.body, recorded) ?? [];
    return ids.filter((id) => !box.recalled.has(id) && recorded(id) === undefined);
  }

  function lookUp(box: Mailbox<State>, head: readonly string[]): void {
    const recorded = recordedOf(box);
    const waiting = box.tasks.flatMap((task) =>
      task.kind === 'message' && !task.unread ? missing(box, task.message, recorded) : [],
    );
    const ids = [...new Set([...head, ...waiting])];
    const document = current(box);
    later(box, pump, async (isWanted) => {
      const warning = 'looking up journal records does not succeed, still trying';
      const how = { warning, fields: { key: box.key }, backoff: limits.retry, isWanted };
      const found = await insist(parts, how, () => store.records(ids));
      return () => {
        // A record may have left the document since it was asked: it is asked again.
        if (found === undefined || current(box) !== document) return;
        if (box.recalled.size > MOST_RECALLED) box.recalled.clear();
        for (const id of ids) box.recalled.set(id, found.get(id));
      };
    });
  }

  return {
    recordedOf,
    /** Whether something that the handler has to know is being looked up; its message is judged again afterwards. */
    isAsked(box: Mailbox<State>, { message, unread }: Run): boolean {
      const ids = unread ? [] : missing(box, message, recordedOf(box));
      if (ids.length > 0) lookUp(box, ids);
      return ids.length > 0;
    },
  };
}
