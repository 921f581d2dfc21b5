import type { CommandType, EventType } from '#shared/message.ts';

/**
 * What a saga is made of. `Data` is what it keeps of the thing that it moves, `Learned` what answers may tell; both are plain
 * JSON. Methods, not properties that are functions: a step over its own data is a step over any data to who only lists steps.
 */

export interface SagaRefusal {
  readonly reason: string;
  /** What was said at more length. */
  readonly detail?: string;
}
export interface SagaFailure extends SagaRefusal {
  /** The name of the step at which the saga turned back. */
  readonly step: string;
}
/** How a saga ends that does not complete. */
export type UndoneOutcome = 'failed' | 'cancelled';

/** Why something is undone, and what. */
export interface Undoing<Learned> {
  /** The id of the message whose effect is undone. */
  readonly of: string;
  /** Which message of its step that was, from 1: each try has its own. */
  readonly number: number;
  readonly outcome: UndoneOutcome;
  readonly failure: SagaFailure;
  readonly learned: Partial<Learned>;
}

/** A numbered step as a person reads it. */
export interface Milestone {
  readonly number: number;
  readonly title: string;
}

export interface Described {
  /** Names its record in the state and its messages for ever: a renamed step is another step, and needs a new version. */
  readonly name: string;
  /** The milestone that is reached when it is answered. Absent: none. */
  readonly number?: number;
  readonly title: string;
  /** Another milestone, reached when it is sent. */
  readonly sent?: Milestone;
  /** False: it is only a part of `number`. */
  readonly milestone?: boolean;
}

/** A compensation with a command of its own. */
export interface OwnUndo<Data = unknown, Learned extends object = object> {
  readonly kind: 'own';
  readonly command: CommandType;
  bodyOf(data: Data, undoing: Undoing<Learned>): unknown;
  learn(answer: unknown, learned: Partial<Learned>): Partial<Learned>;
  /** The answer says that the effect stands for good: the saga is completed after all. */
  isFinal(answer: unknown): boolean;
  readonly ownerLivesOn: boolean;
}
/** The compensation of an earlier step takes this one back as well. */
export interface CoveredUndo {
  readonly kind: 'covered';
  readonly by: string;
}
export type Undo<Data = unknown, Learned extends object = object> = OwnUndo<Data, Learned> | CoveredUndo;

/** How a step is tried again after its owner *refused* it. Each try is a message of its own. */
export interface Retries {
  /** How many tries of the saga may follow the first one, whichever of its steps was refused. */
  readonly times: number;
  /** Reasons that no later try would change: a refusal with one of them turns the saga back at once. */
  readonly unless?: readonly string[];
  /** How long after a refusal the next try begins, in ms. */
  readonly delayMs: number;
  /**
   * What becomes meanwhile of the steps before it: `hold` keeps their effects; `release` undoes them, newest first, all but the
   * start, and the next try sends them again, under new ids. Their owners must take a do after an undo.
   */
  readonly between: 'hold' | 'release';
}

/** A step that the saga asks its owner for. */
export interface CommandStep<Data = unknown, Learned extends object = object> extends Described {
  readonly kind: 'command';
  readonly command: CommandType;
  /** The steps that must be done before it is sent. Those that wait for the same are sent side by side. */
  readonly after: readonly string[];
  /** Sent again under the same id until the saga's deadline instead of being undone when its own deadline passes. */
  readonly forwardOnly: boolean;
  /** Absent: the first refusal turns the saga back. */
  readonly retries?: Retries;
  /** `number`: which message of this step it is, from 1; each try has its own. */
  bodyOf(data: Data, learned: Learned, number: number): unknown;
  learn(answer: unknown): Partial<Learned>;
  /** Which heard steps the answer proves to be done, and when (epoch ms). */
  confirms(answer: unknown): Readonly<Record<string, number | undefined>>;
  readonly undo: Undo<Data, Learned>;
  /** Of a step that asks several owners at once: what it is for each part of the data, all of them side by side. Absent: it is one command. */
  partsOf?(data: Data): readonly Omit<CommandStep<Data, Learned>, 'after'>[];
}

/** Between a step and the number of its part: `reserve-seat/2`, in records and in ids of messages. No step's own name has it. */
export const PART = '/';

/**
 * A step without a message of its own: its owner hears the answer to another step, which is published once, to it and to
 * the saga. Nobody waits for it; a later answer of the same owner confirms it.
 */
export interface HeardStep extends Described {
  readonly kind: 'heard';
  /** The route of its owner. */
  readonly owner: string;
  /** The step whose answer it hears. */
  readonly hears: string;
  readonly undo: CoveredUndo;
}
export type Step<Data = unknown, Learned extends object = object> = CommandStep<Data, Learned> | HeardStep;

/** The first step happens before the saga: its answer starts it. */
export interface Start<Data = unknown, Learned extends object = object> extends Described {
  /** Its `done` is the event that starts the saga. */
  readonly command: CommandType & { readonly done: EventType };
  /** The id of the command that had the effect; `key` is the saga's. */
  effectId(key: string): string;
  /** Absent: there is nothing to take back. */
  readonly undo?: OwnUndo<Data, Learned> | undefined;
}

/** The command that is sent when everything is undone. It has no undo itself. */
export interface FinalNotice<Data = unknown> {
  readonly name: string;
  readonly title: string;
  readonly command: CommandType;
  bodyOf(data: Data, end: UndoneEnd): unknown;
}
export interface UndoneEnd {
  readonly outcome: UndoneOutcome;
  readonly failure: SagaFailure;
}
