import type { Committer } from './commit.ts';
import type { Consumers } from './consumers.ts';
import { answerTo, tooLateTo } from './context.ts';
import { applied, withDueAt, withLists } from './document.ts';
import type { EngineMeter, EngineOptions } from './engine.ts';
import type { Flow } from './flow.ts';
import type { HangWatch } from './hanging.ts';
import type { createInbox } from './inbox.ts';
import {
  current,
  putNext,
  stage,
  type Mailbox,
  type Outcome,
  type Receipt,
  type Settling,
  type Step,
  type Task,
} from './mailbox.ts';
import type { Mailboxes } from './mailboxes.ts';
import type { Outbox } from './outbox.ts';
import { createRunner } from './run.ts';
import { createSlots } from './slots.ts';
import { createTrouble } from './trouble.ts';
import { waitsSince } from './waits.ts';
import { createWaking } from './waking.ts';
import type { Document } from './store.ts';
import { reasonOf } from '#shared/errors.ts';
import { WAKE, type Message, type Send } from '#shared/message.ts';

export interface PumpParts<State> extends EngineOptions<State> {
  readonly meter: EngineMeter;
  readonly inbox: ReturnType<typeof createInbox<State>>;
  readonly outbox: Outbox;
  readonly mailboxes: Mailboxes<State>;
  readonly committer: Committer<State>;
  readonly consumers: Consumers;
  readonly hanging: HangWatch;
  /** Gives everything back to the broker. */
  readonly giveBack: (reason: string) => void;
}

export interface Pump<State> {
  deliver(receipt: Receipt): void;
  /** Works off what a mailbox has in line, as far as it goes. */
  pump(box: Mailbox<State>): void;
  /** Starts no further task. */
  stop(): void;
  /** Starts no further task of what this channel brought. */
  stopChannel(channel: number): void;
  resume(): void;
}

/** Takes the tasks of each key one after another: duplicate, too late, behind a stash, or run. */
export function createPump<State>(parts: PumpParts<State>): Pump<State> {
  const { entity, clock, limits, meter, inbox, outbox, mailboxes, committer, consumers, hanging, log } = parts;
  const run = createRunner<State>({ ...parts, effectMs: limits.effectMs, handlerOf: inbox.handlerOf });
  const slots = createSlots<Mailbox<State>>(limits.concurrency, pump);
  const flow: Flow<State> = { pump, finish, change, settlingOf, later };
  const trouble = createTrouble<State>({ ...parts, flow });
  const waking = createWaking<State>({ ...parts, flow });
  let stopped = false;
  /** Channels that are being given up; numbers never come again. */
  const ending = new Set<number>();

  function deliver(receipt: Receipt): void {
    const { packet, channel } = receipt.delivery;
    let message: Message;
    try {
      message = inbox.read(packet);
    } catch (error) {
      meter.died(packet.type ?? 'unknown');
      const alive = () => consumers.alive(channel);
      void outbox.bury(packet, reasonOf(error), 1, alive).then((buried) => {
        if (buried) consumers.ack(receipt);
      });
      return;
    }
    const box = mailboxes.open(message.key, channel);
    const task: Task = { kind: 'message', message, receipt, receivedAt: clock.now(), attempts: 0 };
    if (message.type === WAKE) putNext(box, task);
    else box.tasks.push(task);
    pump(box);
  }

  function pump(box: Mailbox<State>): void {
    if (box.committing || box.running) return;
    while (!(stopped || ending.has(box.channel)) || box.resumed !== undefined) {
      const task = box.tasks[0];
      if (task === undefined || box.retry !== undefined) break;
      if (box.document === undefined) {
        mailboxes.load(box);
        break;
      }
      if (step(box, task) === 'wait') break;
    }
    if (box.staged !== undefined) committer.add(box);
  }

  function step(box: Mailbox<State>, task: Task): Step {
    if (box.resumed !== undefined) {
      const { resumed } = box;
      box.resumed = undefined;
      return resumed();
    }
    switch (task.kind) {
      case 'message':
        return task.message.type === WAKE ? waking.expand(box, task) : receive(box, task);
      case 'stashed':
        return current(box).stash[0]?.message.id !== task.message.id
          ? skip(box)
          : expired(task.message)
            ? trouble.unstashed(box, withLists(current(box), {}), tooLate(task.message), settlingOf(box, task, []))
            : perform(box, task, task.message);
      case 'own-wake':
        return perform(box, task, task.message);
      case 'resend':
        return waking.resend(box);
      case 'wake-done':
        return finish(box, settlingOf(box, task, [], task.wake.receipt));
      case 'refused-sends':
        return waking.remember(box, task);
    }
  }

  /** Another wake has already dealt with the head. */
  function skip(box: Mailbox<State>): Step {
    box.tasks.shift();
    return 'done';
  }

  function receive(box: Mailbox<State>, task: Extract<Task, { kind: 'message' }>): Step {
    const { message, receipt } = task;
    const document = current(box);
    const before = document.handled.find((handled) => handled.id === message.id);
    if (before !== undefined) {
      const answer = before.answer === undefined ? undefined : answerTo(message, before.answer);
      return finish(box, settlingOf(box, task, [...(before.sent ?? []), ...present(answer)], receipt));
    }
    if (document.stash.some((stashed) => stashed.message.id === message.id))
      return finish(box, settlingOf(box, task, [], receipt));
    if (document.stash.length > 0) return trouble.stashBehind(box, task);
    if (expired(message)) return finish(box, settlingOf(box, task, tooLate(message), receipt));
    return perform(box, task, message);
  }

  /** Runs the handler; a pure one concludes at once, the result of another is taken up when nothing is being committed. */
  function perform(box: Mailbox<State>, task: Task, message: Message): Step {
    if (!slots.free(box)) return 'wait';
    const attempt = 'attempts' in task ? task.attempts + 1 : 1;
    box.startedAt = clock.now();
    const outcome = run(current(box), message, attempt);
    if (!(outcome instanceof Promise)) return conclude(box, task, outcome);
    return later(
      box,
      slots.hold(outcome).then((late) => () => conclude(box, task, late)),
    );
  }

  /** Holds the head until `promise` tells how it goes on; forgotten when the mailbox was reset meanwhile. */
  function later(box: Mailbox<State>, promise: Promise<() => Step>): Step {
    const { generation } = box;
    box.running = true;
    void promise.then((resumed) => {
      if (box.generation !== generation) return;
      box.running = false;
      box.resumed = resumed;
      pump(box);
    });
    return 'wait';
  }

  function conclude(box: Mailbox<State>, task: Task, outcome: Outcome<State>): Step {
    if (!outcome.ok) return trouble.failed(box, task, outcome.error);
    if (task.kind !== 'message' && task.kind !== 'stashed' && task.kind !== 'own-wake') return 'done';
    const { message } = task;
    const now = clock.now();
    meter.handled(message.type);
    hanging.succeeded(message.type);
    const { document, send } = applied(current(box), message, outcome.result, outcome.answer, now, limits, box.known);
    box.known.confirmed.clear();
    box.known.appended.clear();
    const journal = outcome.result.journal ?? [];
    const receipt = task.kind === 'message' ? task.receipt : undefined;
    const { journal: unflushed, ...rest } = settlingOf(box, task, task.kind === 'stashed' ? [] : send, receipt);
    const since = waitsSince(task, box.startedAt, now);
    const settling = { ...rest, id: message.id, journal: [...unflushed, ...journal], waitsSince: since };
    if (task.kind !== 'stashed') return change(box, document, settling);
    return trouble.unstashed(box, document, send, settling);
  }

  /** The head (with as many after it as there are settlings) is finished and leaves the document changed. */
  function change(box: Mailbox<State>, document: Document<State>, ...settling: Settling[]): Step {
    stage(box, withDueAt(document, entity), settling);
    box.tasks.splice(0, settling.length);
    return 'done';
  }

  /** The head is finished and changes nothing; what follows from it waits for what was staged before it. */
  function finish(box: Mailbox<State>, settling: Settling): Step {
    box.tasks.shift();
    if (box.staged === undefined) committer.settle(settling, box.channel);
    else box.staged.settling.push(settling);
    return 'done';
  }

  function settlingOf(box: Mailbox<State>, task: Task, sends: readonly Send[], receipt?: Receipt): Settling {
    const journal = box.unflushed;
    box.unflushed = [];
    return { key: box.key, sends, journal, task, ...(receipt === undefined ? {} : { receipt }) };
  }

  function expired(message: Message): boolean {
    return message.deadline !== undefined && message.deadline < clock.now();
  }

  function tooLate(message: Message): readonly Send[] {
    log.info('past its deadline, not handled', {
      message: message.id,
      type: message.type,
      correlation: message.correlationId,
    });
    return present(tooLateTo(message));
  }

  return {
    deliver,
    pump,
    stop() {
      stopped = true;
    },
    stopChannel: (channel) => void ending.add(channel),
    resume() {
      stopped = false;
    },
  };
}

function present<T>(value: T | undefined): readonly T[] {
  return value === undefined ? [] : [value];
}
