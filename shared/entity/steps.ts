import type { Committer } from './commit.ts';
import type { Consumers } from './consumers.ts';
import { withDueAt } from './document.ts';
import type { Inbox } from './inbox.ts';
import { hold, stage, type Head, type Mailbox, type Settling, type Step, type Task } from './mailbox.ts';
import type { Mailboxes } from './mailboxes.ts';
import type { EngineMeter, EngineOptions } from './options.ts';
import type { Outbox } from './outbox.ts';
import type { Document } from './store.ts';
import type { Send } from '#shared/message.ts';

export interface StepParts<State> extends EngineOptions<State> {
  readonly meter: EngineMeter;
  readonly inbox: Inbox<State>;
  readonly outbox: Outbox;
  readonly mailboxes: Mailboxes<State>;
  readonly committer: Committer<State>;
  readonly consumers: Consumers;
  readonly pump: (box: Mailbox<State>) => void;
}

/** What every step of a key ends with: its document is changed, or a task is finished, or it waits for something. */
export function createSteps<State>({ entity, clock, committer, pump }: StepParts<State>) {
  /** The document is changed, and the first `shift` tasks are finished with that. */
  function change(
    box: Mailbox<State>,
    document: Document<State>,
    settling: readonly Settling[],
    shift = settling.length,
  ): Step {
    stage(box, withDueAt(document, entity), settling);
    box.tasks.splice(0, shift);
    return 'done';
  }

  /**
   * The stash or the unsent are changed for a wake, which goes on, or for a long effect that ended. Their deliveries were acknowledged
   * before, so that nothing is acknowledged with this.
   */
  function changeHeld(
    box: Mailbox<State>,
    task: Task,
    document: Document<State>,
    settling: Settling = settlingOf(box, task),
  ): Step {
    return change(box, document, [{ ...settling, receipt: undefined }], task.kind === 'detached' ? 1 : 0);
  }

  /** The head is finished and changes nothing; what follows from it waits for what was staged before it. */
  function finish(box: Mailbox<State>, settling: Settling): Step {
    box.tasks.shift();
    box.progressAt = clock.now();
    if (box.writing.is === 'nothing') committer.settle(settling, box.channel);
    else box.writing.staged.settling.push(settling);
    return 'done';
  }

  /** Holds the head until `promise` tells how it goes on; forgotten when the mailbox got another head meanwhile. */
  function later(box: Mailbox<State>, promise: Promise<() => Step>): Head {
    const head: Head = { is: 'running' };
    box.head = head;
    void promise.then((goOn) => {
      if (box.head !== head) return;
      box.head = { is: 'ended', goOn };
      pump(box);
    });
    return head;
  }

  function settlingOf(box: Mailbox<State>, task: Task, sends: readonly Send[] = []): Settling {
    const journal = box.unflushed;
    box.unflushed = [];
    const receipt = 'receipt' in task ? task.receipt : undefined;
    return { key: box.key, sends, journal, task, receipt };
  }

  /** The head waits for its next try. */
  function tryAgain(box: Mailbox<State>, waitMs: number): Step {
    hold(box, waitMs, clock, pump);
    return 'wait';
  }

  return { change, changeHeld, finish, later, settlingOf, tryAgain };
}

export type Steps<State> = ReturnType<typeof createSteps<State>>;
