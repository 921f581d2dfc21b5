import type { SagaState } from './state.ts';
import { backoffMs, type Backoff } from '#shared/backoff.ts';
import type { CommandType } from '#shared/message.ts';

export interface SagaTiming {
  /** How long a step may take, in ms; afterwards its owner does nothing and the saga undoes it. */
  readonly stepDeadlineMs: number;
  /** How long after its start a saga goes on trying forward, in ms. The final notice has as long again. */
  readonly sagaDeadlineMs: number;
  /** Waits before an undo or a forward-only step without an answer is sent again. */
  readonly resend: Backoff;
}

/** To which saga an input is applied, when, and with which times. */
export interface Moment {
  readonly key: string;
  readonly now: number;
  readonly timing: SagaTiming;
}

/** A command to be sent once the state is committed. */
export interface Outgoing {
  readonly command: CommandType;
  readonly id: string;
  readonly body: unknown;
  readonly deadline?: number;
  readonly rememberUntil?: number;
  /** Who else hears the answer: a route. Absent: nobody but the saga. */
  readonly heardBy?: string;
}

export interface Transition<Data = unknown, Learned extends object = object> {
  readonly state: SagaState<Data, Learned>;
  readonly send?: readonly Outgoing[];
}

/** Epoch ms of the try after the given one. Without jitter: a state follows from its messages alone. */
export function resendAt({ now, timing }: Moment, attempts: number): number {
  return now + backoffMs(timing.resend, attempts, () => 1);
}
