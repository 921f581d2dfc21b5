import { answerTo, tooLateTo } from './context.ts';
import { withLists } from './document.ts';
import { createFailing, DocumentRefused, type FailingParts } from './failing.ts';
import {
  current,
  isBeingWritten,
  putNext,
  release,
  type Head,
  type Mailbox,
  type MessageTask,
  type Run,
  type Step,
  type Task,
} from './mailbox.ts';
import { createOwing } from './owing.ts';
import { createRunning, type RunningParts } from './running.ts';
import { createStashing } from './stashing.ts';
import { createSteps } from './steps.ts';
import { stashLimit, verdict, wakeVerdict } from './verdict.ts';
import type { Consumer, Delivery } from '#shared/bus/bus.ts';
import { reasonOf } from '#shared/errors.ts';
import { insist } from '#shared/insist.ts';
import { WAKE, type Message, type Send } from '#shared/message.ts';

export type HandlingParts<State> = Omit<RunningParts<State> & FailingParts<State>, 'pump'>;

export interface Handling<State> {
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
 * what the verdict says is done. What follows once the document is written is told in `commit.ts`.
 */
export function createHandling<State>(parts: HandlingParts<State>): Handling<State> {
  const { entity, clock, limits, meter, store, inbox, mailboxes, committer, log } = parts;
  const all = { ...parts, pump };
  const steps = createSteps<State>(all);
  const stashing = createStashing<State>(all, steps);
  const owing = createOwing<State>(all, steps);
  const failing = createFailing<State>(all, steps, stashing, owing);
  const running = createRunning<State>(all, steps, stashing, failing);
  let stopped = false;
  /** Channels that are being given up; numbers never come again. */
  const ending = new Set<number>();

  function deliver(delivery: Delivery, consumer: Consumer): void {
    const { packet, channel, queue } = delivery;
    const receipt = { delivery, consumer };
    let message: Message;
    let unread: boolean;
    try {
      ({ message, unread } = inbox.read(packet));
    } catch (error) {
      meter.died(inbox.labelOf(packet.type));
      committer.bury(packet, reasonOf(error), receipt);
      return;
    }
    const now = clock.now();
    const box = mailboxes.open(message.key, channel);
    if (box.tasks.length === 0) box.progressAt = now;
    const kind = message.type === WAKE ? 'wake' : 'message';
    const bytes = packet.content.length + 300;
    const task: Task = {
      kind,
      message,
      receipt,
      queue,
      receivedAt: now,
      bytes,
      unread,
      attempts: 0,
      remembered: undefined,
      refused: undefined,
    };
    if (kind === 'wake') putNext(box, task);
    else box.tasks.push(task);
    pump(box);
  }

  function pump(box: Mailbox<State>): void {
    if (isBeingWritten(box)) return;
    while (!isFull(box)) {
      if (box.head.is === 'ended') {
        const { goOn } = box.head;
        release(box);
        if (goOn() === 'wait') break;
        continue;
      }
      const [task] = box.tasks;
      if (task === undefined || (box.head.is !== 'free' && box.head.is !== 'full')) break;
      if ((stopped || ending.has(box.channel)) && task.kind !== 'detached') break;
      if (box.document === undefined) {
        mailboxes.load(box);
        break;
      }
      release(box);
      if (step(box, task) === 'wait') break;
    }
    if (box.writing.is === 'staged') committer.add(box);
  }

  /** What is staged is to be written before more is. */
  function isFull({ writing, perWrite, bytes, head }: Mailbox<State>): boolean {
    if (writing.is !== 'staged' || head.is === 'ended') return false;
    return writing.staged.settling.length >= perWrite || bytes > stashLimit(limits);
  }

  function step(box: Mailbox<State>, task: Task): Step {
    switch (task.kind) {
      case 'message':
        return judge(box, task);
      case 'wake':
        return judgeWake(box, task);
      case 'unsent':
        return owing.noteUnsent(box, task);
      case 'detached':
        return running.takeUp(box, task);
      case 'send again':
        if (current(box).unsent.some((one) => one.nextTryAt <= clock.now())) return owing.sendAgain(box, task);
        box.tasks.shift();
        return 'done';
    }
  }

  function judge(box: Mailbox<State>, task: MessageTask): Step {
    const { message, refused } = task;
    const one: Run = { what: 'message', message, attempts: task.attempts, since: task.receivedAt, unread: task.unread };
    if (refused !== undefined)
      return failing.failed(box, task, one, running.circumstances(box, message), new DocumentRefused(refused.reason));
    const said = verdict(current(box), task, limits, running.circumstances(box, message));
    switch (said.is) {
      case 'run':
        return running.perform(box, task, one);
      case 'duplicate': {
        const { sent = [], answer } = said.before;
        return steps.finish(
          box,
          steps.settlingOf(box, task, [...sent, ...present(answer && answerTo(message, answer))]),
        );
      }
      case 'stashed before':
        return steps.finish(box, steps.settlingOf(box, task));
      case 'too late':
        return steps.finish(box, steps.settlingOf(box, task, tooLate(message)));
      case 'look it up':
        return lookUp(box);
      case 'stash':
        return stashing.stashOne(box, task, said.untilMs, said.moved);
      case 'no room':
        box.head = { is: 'full' };
        return 'wait';
      case 'not for this key':
        return owing.bury(box, task, one, `it is for ${message.key}, not for ${box.key}`);
    }
  }

  function judgeWake(box: Mailbox<State>, task: MessageTask): Step {
    const document = current(box);
    const [head] = document.stash;
    const circumstance = running.circumstances(box, head?.message ?? task.message);
    const said = wakeVerdict(document, task.message, entity, limits, circumstance);
    if (task.refused !== undefined && said.is === 'run') {
      const { reason } = task.refused;
      return failing.failed(
        box,
        task,
        running.runIn(box, said.what, said.message),
        circumstance,
        new DocumentRefused(reason),
      );
    }
    switch (said.is) {
      case 'duplicate':
        return steps.finish(box, steps.settlingOf(box, task, said.before.sent ?? []));
      case 'send again':
        return owing.sendAgain(box, task);
      case 'too late':
        return stashing.unstash(box, task, withLists(document, {}), tooLate(said.message), steps.settlingOf(box, task));
      case 'run':
        return running.perform(box, task, running.runIn(box, said.what, said.message));
      case 'done':
        return steps.finish(box, steps.settlingOf(box, task));
    }
  }

  /** Looks up what is remembered outside about all that wait in line. */
  function lookUp(box: Mailbox<State>): Step {
    const tasks = box.tasks.filter((task) => task.kind === 'message' && task.remembered === undefined) as MessageTask[];
    const ids = tasks.map(({ message }) => message.id);
    const { document } = box;
    const asked = async (): Promise<() => Step> => {
      await Promise.resolve(); // the head is known
      const warning = 'looking up ids does not succeed, still trying';
      const isWanted = (): boolean => box.head === head;
      const how = { warning, fields: { key: box.key }, backoff: limits.retry, isWanted };
      const found = await insist(parts, how, () => store.recall(box.key, ids));
      return () => {
        // Ids may have left the document since it was asked: it is asked again.
        if (found === undefined || box.document !== document) return 'done';
        for (const task of tasks) task.remembered = found.get(task.message.id) ?? 'nothing';
        return 'done';
      };
    };
    const head: Head = steps.later(box, asked());
    return 'wait';
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
      return running.detached;
    },
  };
}

function present<T>(value: T | undefined): readonly T[] {
  return value === undefined ? [] : [value];
}
