import { applied, bytesOf } from './document.ts';
import type { Recorded } from './entity.ts';
import type { HandlerOutcome } from './handlers.ts';
import type { Keeping, Parts } from './keeping.ts';
import {
  current,
  later,
  putNext,
  settlingOf,
  type DetachedTask,
  type Mailbox,
  type MessageTask,
  type Run,
} from './mailbox.ts';
import type { Document } from './store.ts';
import type { KeyTrouble } from './trouble.ts';
import { waitsSince } from './watch.ts';
import { InvalidMessage } from '#shared/errors.ts';
import { insist } from '#shared/insist.ts';
import type { Message } from '#shared/message.ts';

/** What is looked up of one key and not asked for again goes when it is more than this. */
const MOST_RECALLED = 1000;

/** A message meets its handler; what that decided becomes the next version of the document, or it has failed. */
export function createAttempts<State>(parts: Parts<State>, keeping: Keeping<State>, trouble: KeyTrouble<State>) {
  const { clock, limits, log, meter, handlers, keys, committer, pump } = parts;
  const recalling = createRecalling<State>(parts);
  let detached = 0;

  /** Runs the handler; a pure one concludes at once, the result of another is taken up when nothing is being written. */
  function perform(box: Mailbox<State>, task: MessageTask, one: Run): void {
    if (recalling.isAsked(box, one)) return;
    if (!keys.mayWork(box)) return;
    const startedAt = clock.now();
    box.startedAt = startedAt;
    const recorded = recalling.recordedOf(box);
    const outcome = handlers.run(current(box), one.message, one.attempts + 1, one.unread, recorded);
    if (!(outcome instanceof Promise)) return conclude(box, task, one, outcome);
    const endWork = keys.work();
    const head = later(box, pump, async () => {
      const late = await outcome;
      endWork();
      return () => conclude(box, task, one, late);
    });
    if (handlers.limitOf(one.message) === limits.effectMs) return;
    const cancel = clock.after(limits.effectMs, () => {
      if (box.head !== head) return;
      endWork();
      box.head = { is: 'ended', goOn: () => goOnWithout(box, task, one, outcome, startedAt) };
      pump(box);
    });
    void outcome.then(cancel);
  }

  /** A long run goes on without its delivery; its message and those behind it wait in the document, leased to it. */
  function goOnWithout(
    box: Mailbox<State>,
    task: MessageTask,
    one: Run,
    outcome: Promise<HandlerOutcome<State>>,
    startedAt: number,
  ): void {
    const { message } = one;
    const leasedUntil = startedAt + handlers.limitOf(message) + limits.leaseMarginMs;
    const head = { attempts: one.attempts + 1, nextTryAt: leasedUntil, leasedUntil };
    if (one.what !== 'message') keeping.restash(box, task, head);
    else if (keeping.thatFit(box) > 0) keeping.stashLine(box, clock.now(), head);
    else {
      later(box, pump, async () => {
        const late = await outcome;
        return () => conclude(box, task, one, late);
      });
      return;
    }
    detached += 1;
    const { key, channel } = box;
    void outcome.then((late) => {
      detached -= 1;
      const there = keys.peek(key) ?? keys.open(key, channel);
      putNext(there, { kind: 'detached', message, leasedUntil, outcome: late });
      pump(there);
    });
  }

  function takeUp(box: Mailbox<State>, task: DetachedTask): void {
    const [head] = current(box).stash;
    if (head?.message.id !== task.message.id || head.leasedUntil !== task.leasedUntil) {
      log.warn('what came of a long effect is not needed any more', { key: box.key, message: task.message.id });
      box.tasks.shift();
      return;
    }
    const { message, attempts, since = clock.now() } = head;
    const one: Run = { what: 'stashed', message, attempts: attempts - 1, since, unread: false };
    conclude(box, task, one, task.outcome as HandlerOutcome<State>);
  }

  function conclude(
    box: Mailbox<State>,
    task: MessageTask | DetachedTask,
    one: Run,
    outcome: HandlerOutcome<State>,
  ): void {
    if (!outcome.ok) return trouble.failed(box, task, one, outcome.error);
    const { message, what } = one;
    const now = clock.now();
    const { document, send } = applied(current(box), message, outcome.result, outcome.answer, now, limits, box.known);
    const problem = tooLarge(box, document, 2 * (task.kind === 'detached' ? 500 : task.bytes));
    if (problem !== undefined) return trouble.failed(box, task, one, new InvalidMessage(problem));
    meter.handled(message.type);
    trouble.succeeded(message.type);
    // Records have left the document: they were not in the journal before, and are there now.
    for (const id of box.known.appended) box.recalled.delete(id);
    box.known.confirmed.clear();
    box.known.appended.clear();
    const settling = settlingOf(box, task, send);
    const all = {
      ...settling,
      ran: { id: message.id, type: message.type },
      journal: [...settling.journal, ...(outcome.result.journal ?? [])],
      waitsSince: task.kind === 'message' ? waitsSince(task, box.startedAt, now) : undefined,
    };
    if (what === 'stashed') return keeping.unstash(box, task, document, send, all);
    const { queue } = task as MessageTask;
    // A wake says nothing of where the key's messages come by: older ones may still wait elsewhere.
    const isThere = what === 'own wake' || document.partition === queue;
    committer.change(box, isThere ? document : { ...document, partition: queue }, [all]);
  }

  /** Why the document may not be written like this. It is measured only when it has grown by a quarter since the last time. */
  function tooLarge(box: Mailbox<State>, document: Document<State>, grown: number): string | undefined {
    const { maxDocumentBytes } = limits;
    const before = box.bytes;
    keys.weigh(box, before + grown);
    if (box.bytes <= maxDocumentBytes / 2 || box.bytes <= box.measured * 1.25) return undefined;
    const bytes = bytesOf(document);
    const least = bytes - bytesOf(document.handled.slice(0, -1));
    if (least > maxDocumentBytes) {
      keys.weigh(box, before);
      return `its document would have ${least} bytes, more than ${maxDocumentBytes}`;
    }
    keys.weigh(box, (box.measured = bytes));
    return undefined;
  }

  return {
    perform,
    takeUp,
    /** A handler of this message may take long, and no more such effects may go on without their deliveries at present. */
    noRoomFor: (message: Message): boolean =>
      detached >= limits.detached && handlers.limitOf(message) > limits.effectMs,
    /** Long effects that go on without their deliveries. */
    get detached() {
      return detached;
    },
  };
}

/**
 * Journal records that handlers have to know. They are read for all messages that wait in line of a key at once, so that a key whose
 * past has left its document still works off many messages with one read and one write.
 */
function createRecalling<State>(parts: Parts<State>) {
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
