import type { Mailbox, Receipt, Settling, Step, Task } from './mailbox.ts';
import type { Document } from './store.ts';
import type { Send } from '#shared/message.ts';

/** What the parts that deal with trouble and wakes may ask of the pump. */
export interface Flow<State> {
  pump(box: Mailbox<State>): void;
  finish(box: Mailbox<State>, settling: Settling): Step;
  change(box: Mailbox<State>, document: Document<State>, ...settling: Settling[]): Step;
  settlingOf(box: Mailbox<State>, task: Task, sends: readonly Send[], receipt?: Receipt): Settling;
  later(box: Mailbox<State>, promise: Promise<() => Step>): Step;
}
