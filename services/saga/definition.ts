import type { Money } from '#services/money.ts';
import type { CommandType, EventType } from '#shared/message.ts';

/** What the saga keeps of the order that it moves; the rest is the order service's. */
export interface Order {
  readonly orderId: string;
  readonly customerId: string;
  readonly email: string;
  readonly total: Money;
  readonly paymentMethod: string;
  /** What is to be delivered, each sku once. Sagas that began under version 1 have none, and no step that reads it. */
  readonly parcel: readonly { readonly sku: string; readonly quantity: number }[];
}

/** What answers told. A step may read only what an earlier step learned. */
export interface Learned {
  readonly captureId: string;
  readonly capturedAt: number;
  readonly dispatchedAt: number;
  /** Absent: no payment is known to exist. */
  readonly payment?: 'created' | 'settled' | 'voided' | 'refunded';
}

export interface Failure {
  readonly reason: string;
  /** The name of the step at which the order turned back. */
  readonly step: string;
}
export type Outcome = 'failed' | 'cancelled';

/** Why something is undone, and what. */
export interface Undoing {
  /** The id of the message whose effect is undone. */
  readonly of: string;
  readonly outcome: Outcome;
  readonly failure: Failure;
  readonly learned: Partial<Learned>;
}

/** One of the thirteen numbered steps, as a person reads it. */
export interface Milestone {
  readonly number: number;
  readonly title: string;
}

interface Described {
  /** Names its record in the state and its messages for ever: a renamed step is another step, and needs a new version. */
  readonly name: string;
  /** Which of the thirteen is reached when it is answered. Absent: none, it was added to the road later. */
  readonly number?: number;
  readonly title: string;
  /** Another of the thirteen, reached when it is sent. */
  readonly sent?: Milestone;
  /** False: it is only a part of `number`. */
  readonly milestone?: boolean;
}

export interface OwnUndo {
  readonly kind: 'own';
  readonly command: CommandType;
  bodyOf(order: Order, undoing: Undoing): unknown;
  learn(answer: unknown, learned: Partial<Learned>): Partial<Learned>;
  /** The answer says that the effect stands for good: the saga is completed after all. */
  isFinal(answer: unknown): boolean;
  readonly ownerLivesOn: boolean;
}
export type Undo = OwnUndo | { readonly kind: 'covered'; readonly by: string };

export interface Step extends Described {
  readonly command: CommandType;
  /** Retried under the same id until the saga's deadline instead of being undone when its own deadline passes. */
  readonly forwardOnly: boolean;
  bodyOf(order: Order, learned: Learned): unknown;
  learn(answer: unknown): Partial<Learned>;
  readonly undo: Undo;
}

type Asked<Body, Done> = CommandType<Body> & { readonly done: EventType<Done> };

interface StepSpec<Body, Done> extends Described {
  readonly command: Asked<Body, Done>;
  readonly forwardOnly?: true;
  readonly with: (order: Order, learned: Learned) => NoInfer<Body>;
  readonly learn?: (answer: NoInfer<Done>) => Partial<Learned>;
  readonly undo: Undo;
}

/** One step. A `with` that builds another command's body, or an `undo` of another shape, does not compile. */
export function step<const Body, Done>(spec: StepSpec<Body, Done>): Step {
  const { with: bodyOf, learn, forwardOnly, ...rest } = spec;
  return { ...rest, forwardOnly: forwardOnly ?? false, bodyOf, learn: (answer) => learn?.(answer as Done) ?? {} };
}

interface UndoOptions<Done> {
  readonly learn?: (answer: NoInfer<Done>, learned: Partial<Learned>) => Partial<Learned>;
  /** Only for the last step: the answer says that the effect cannot be undone any more, and the saga is completed. */
  readonly isFinal?: (answer: NoInfer<Done>) => boolean;
  /** The owner's entity is not the order's alone, so it may forget this undo once no late do can arrive. */
  readonly ownerLivesOn?: true;
}

/** The compensation of the step that it stands in. */
export function undo<const Body, Done>(
  command: Asked<Body, Done> & { readonly undo: boolean },
  bodyOf: (order: Order, undoing: Undoing) => NoInfer<Body>,
  options: UndoOptions<Done> = {},
): OwnUndo {
  return {
    kind: 'own',
    command,
    bodyOf,
    learn: (answer, learned) => options.learn?.(answer as Done, learned) ?? {},
    isFinal: (answer) => options.isFinal?.(answer as Done) ?? false,
    ownerLivesOn: options.ownerLivesOn ?? false,
  };
}

/** The compensation of an earlier step takes this one back as well. */
export function undoneWith(step: string): Undo {
  return { kind: 'covered', by: step };
}

/** Step 1 happens before the saga: `order.placed` starts it. */
export interface Start extends Described {
  /** The id of the command that had the effect. */
  effectId(orderId: string): string;
  readonly undo: OwnUndo;
}

/** What follows the last undo; it has none itself. */
export interface Closing {
  readonly name: string;
  readonly title: string;
  readonly command: CommandType;
  bodyOf(order: Order, end: { readonly outcome: Outcome; readonly failure: Failure }): unknown;
}

export function closing<const Body>(spec: {
  readonly name: string;
  readonly title: string;
  readonly command: CommandType<Body>;
  readonly with: (order: Order, end: { readonly outcome: Outcome; readonly failure: Failure }) => NoInfer<Body>;
}): Closing {
  const { with: bodyOf, ...rest } = spec;
  return { ...rest, bodyOf };
}

export interface Definition {
  readonly name: string;
  /** Raise it with every change to the steps, and keep the old definition while sagas of it are open. */
  readonly version: number;
  readonly start: Start;
  readonly steps: readonly Step[];
  /** The order can be cancelled until this step is sent. */
  readonly cancellableBefore: string;
  readonly closing: Closing;
}

/** Checks what the types cannot. Throws `TypeError` at start-up. */
export function defineSaga(definition: Definition): Definition {
  const { start, steps, closing, cancellableBefore } = definition;
  const seen = new Set([start.name]);
  for (const { name, command, undo } of steps) {
    if (name === closing.name || seen.has(name)) throw new TypeError(`two steps are called ${name}`);
    if (command.done === undefined) throw new TypeError(`${name}: ${command.name} is never answered`);
    if (undo.kind === 'covered' && !seen.has(undo.by))
      throw new TypeError(`${name}: no earlier step is called ${undo.by}`);
    if (undo.kind === 'own' && !undo.command.undo) throw new TypeError(`${name}: ${undo.command.name} is no undo`);
    seen.add(name);
  }
  if (!steps.some((step) => step.name === cancellableBefore))
    throw new TypeError(`no step is called ${cancellableBefore}`);
  return definition;
}

/** The routes that an order needs before its money is taken: while one of them is open, accepting it is pointless. */
export function routesUpToCapture({ steps, cancellableBefore }: Definition): readonly string[] {
  const last = steps.findIndex((step) => step.name === cancellableBefore);
  return [...new Set(steps.slice(0, last + 1).map((step) => step.command.route))];
}
