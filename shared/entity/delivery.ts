import { createAttempts } from './attempt.ts';
import { withLists } from './document.ts';
import { answerTo, tooLateTo } from './entity.ts';
import { createKeeping, type Parts } from './keeping.ts';
import {
  current,
  isBeingWritten,
  putNext,
  release,
  settlingOf,
  type Mailbox,
  type MessageTask,
  type Run,
  type Task,
} from './mailbox.ts';
import { createReading } from './reading.ts';
import { createTrouble, DocumentRefused } from './trouble.ts';
import { stashLimit, verdict, wakeVerdict } from './verdict.ts';
import type { Consumer, Delivery } from '#shared/bus/bus.ts';
import { reasonOf } from '#shared/errors.ts';
import { WAKE, type Message, type Send } from '#shared/message.ts';

export interface Deliveries<State> {
  deliver(delivery: Delivery, consumer: Consumer): void;
  /** Works off what a mailbox has in line, as far as it goes. */
  pump(box: Mailbox<State>): void;
  /** Starts no further task; of one channel, or of all until `resume`. */
  stop(channel?: number): void;
  resume(): void;
  /** Long effects that go on without their deliveries. */
  readonly detached: number;
}

/**
 * A delivery's way to its handler: it is read, stands in line in the mailbox of its key, gets its verdict when it is at the head, and
 * what the verdict says is done. The handler's run is told in `attempt.ts`, what follows once the document is to be written in `commit.ts`.
 */
export function createDeliveries<State>(parts: Parts<State>): Deliveries<State> {
  const { entity, clock, limits, meter, log, handlers, keys, consumers, committer, outbox } = parts;
  const keeping = createKeeping<State>(parts);
  const reading = createReading<State>(parts);
  const trouble = createTrouble<State>(parts, keeping);
  const attempts = createAttempts<State>(parts, keeping, trouble);
  let stopped = false;
  /** Channels that are closing; their numbers are never used again. */
  const ending = new Set<number>();

  function deliver(delivery: Delivery, consumer: Consumer): void {
    const { packet, channel, queue } = delivery;
    const receipt = { delivery, consumer };
    let message: Message;
    let unread: boolean;
    try {
      ({ message, unread } = handlers.read(packet));
    } catch (error) {
      meter.died(handlers.labelOf(packet.type));
      outbox.buryUnread(receipt, reasonOf(error));
      return;
    }
    const now = clock.now();
    const box = keys.open(message.key, channel);
    if (box.tasks.length === 0) box.progressAt = now;
    const task: MessageTask = {
      kind: message.type === WAKE ? 'wake' : 'message',
      message,
      receipt,
      queue,
      receivedAt: now,
      bytes: packet.content.length + 300,
      unread,
      attempts: 0,
      remembered: undefined,
      refused: undefined,
      hasRead: false,
    };
    if (task.kind === 'wake') putNext(box, task);
    else box.tasks.push(task);
    pump(box);
  }

  function pump(box: Mailbox<State>): void {
    if (isBeingWritten(box)) return;
    while (!isFull(box)) {
      const { head } = box;
      const [task] = box.tasks;
      if (head.is === 'ended') {
        release(box);
        head.goOn();
      } else {
        if (task === undefined || (head.is !== 'free' && head.is !== 'full' && head.is !== 'unwritten')) break;
        if ((stopped || ending.has(box.channel)) && task.kind !== 'detached') break;
        release(box);
        step(box, task);
      }
      if (box.head.is === 'full' || box.head.is === 'unwritten') break;
    }
    if (box.writing.is === 'staged') committer.add(box);
  }

  /** What is staged is to be written before more is. */
  function isFull({ writing, perWrite, bytes, head }: Mailbox<State>): boolean {
    if (writing.is !== 'staged' || head.is === 'ended') return false;
    return writing.staged.settling.length >= perWrite || bytes > stashLimit(limits);
  }

  function step(box: Mailbox<State>, task: Task): void {
    if (box.document === undefined) return reading.read(box, task);
    switch (task.kind) {
      case 'message':
        return judge(box, task);
      case 'wake':
        return judgeWake(box, task);
      case 'unsent':
        return keeping.keepUnsent(box, task);
      case 'detached':
        return attempts.takeUp(box, task);
      case 'send again':
        if (current(box).unsent.some((one) => one.nextTryAt <= clock.now())) return keeping.sendAgain(box, task);
        box.tasks.shift();
    }
  }

  /**
   * What needs no write trusts the document in memory. A duplicate stays one, whatever was written since. That it is too late is read
   * again after the deadline: another process may have handled a copy of it. One whose handler there is still at work, or whose id is
   * forgotten, is too late here all the same; so whoever gets that answer takes it for what a time-out is, not for a refusal.
   */
  function judge(box: Mailbox<State>, task: MessageTask): void {
    const { message, refused } = task;
    const one: Run = { what: 'message', message, attempts: task.attempts, since: task.receivedAt, unread: task.unread };
    if (refused !== undefined) return trouble.failed(box, task, one, new DocumentRefused(refused));
    if (olderGoesFirst(box, task)) return;
    const said = verdict(current(box), task, limits, {
      now: clock.now(),
      bytes: box.bytes,
      settlesInMs: consumers.settlesInMs(),
      noRoom: attempts.noRoomFor(message),
    });
    switch (said.is) {
      case 'run':
        return attempts.perform(box, task, one);
      case 'duplicate': {
        const { sent = [], answer } = said.before;
        const again = [...sent, ...present(answer && answerTo(message, answer))];
        return committer.finish(box, settlingOf(box, task, again));
      }
      case 'stashed before':
        return committer.finish(box, settlingOf(box, task));
      case 'too late':
        if (reading.isOld(box, task)) return reading.read(box, task);
        return committer.finish(box, settlingOf(box, task, tooLate(message)));
      case 'look it up':
        return reading.lookUp(box);
      case 'stash':
        return keeping.stashOne(box, task, said.untilMs, said.moved);
      case 'no room':
        return reading.waitForRoom(box);
      case 'not for this key':
        return trouble.bury(box, task, one, `it is for ${message.key}, not for ${box.key}`);
    }
  }

  /** The key has moved, and behind the head stands one that came by the old partition: it is put before the head. */
  function olderGoesFirst(box: Mailbox<State>, head: MessageTask): boolean {
    const { partition } = current(box);
    if (partition === undefined || partition === head.queue) return false;
    const at = box.tasks.findIndex((task) => task.kind === 'message' && task.queue === partition);
    if (at > 0) box.tasks.unshift(...box.tasks.splice(at, 1));
    return at > 0;
  }

  function judgeWake(box: Mailbox<State>, task: MessageTask): void {
    const document = current(box);
    const now = clock.now();
    const [head] = document.stash;
    const noRoom = attempts.noRoomFor(head?.message ?? task.message);
    const known = { now, settlesInMs: consumers.settlesInMs(), noRoom };
    const said = wakeVerdict(document, task.message, entity, limits, known);
    switch (said.is) {
      case 'duplicate':
        return committer.finish(box, settlingOf(box, task, said.before.sent ?? []));
      case 'send again':
        return keeping.sendAgain(box, task);
      case 'too late':
        return keeping.unstash(box, task, withLists(document, {}), tooLate(said.message));
      case 'too early':
        return keeping.restash(box, task, { nextTryAt: said.untilMs });
      case 'run': {
        const { what, message } = said;
        const stashed = what === 'stashed' ? head : undefined;
        const { attempts: before = 0, since = now, unread = false } = stashed ?? {};
        const one: Run = { what, message, attempts: before, since, unread };
        if (task.refused !== undefined) return trouble.failed(box, task, one, new DocumentRefused(task.refused));
        return attempts.perform(box, task, one);
      }
      case 'done':
        if (reading.isOld(box, task)) return reading.read(box, task);
        return committer.finish(box, settlingOf(box, task));
    }
  }

  function tooLate(message: Message): readonly Send[] {
    const { id, type, correlationId } = message;
    log.info('past its deadline, not handled', { message: id, type, correlation: correlationId });
    return present(tooLateTo(message));
  }

  return {
    deliver,
    pump,
    stop(channel) {
      if (channel === undefined) stopped = true;
      else ending.add(channel);
    },
    resume() {
      stopped = false;
    },
    get detached() {
      return attempts.detached;
    },
  };
}

function present<T>(value: T | undefined): readonly T[] {
  return value === undefined ? [] : [value];
}
