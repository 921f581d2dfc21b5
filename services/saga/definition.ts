import type { Listing } from '#services/notify/contract.ts';
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
  /** Epoch ms. Absent, as the listing, in sagas that began before mails told it. */
  readonly placedAt?: number | undefined;
  /** What mails show of the items. */
  readonly listing?: Listing;
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

/** A step that the saga asks its owner for. */
export interface CommandStep extends Described {
  readonly kind: 'command';
  readonly command: CommandType;
  /** The steps that must be done before it is sent. Those that wait for the same are sent side by side. */
  readonly after: readonly string[];
  /** Retried under the same id until the saga's deadline instead of being undone when its own deadline passes. */
  readonly forwardOnly: boolean;
  bodyOf(order: Order, learned: Learned): unknown;
  learn(answer: unknown): Partial<Learned>;
  /** Which heard steps the answer proves to be done, and when (epoch ms). */
  confirms(answer: unknown): Readonly<Record<string, number | undefined>>;
  readonly undo: Undo;
}

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
  readonly undo: Extract<Undo, { readonly kind: 'covered' }>;
}
export type Step = CommandStep | HeardStep;

type Asked<Body, Done> = CommandType<Body> & { readonly done: EventType<Done> };

interface StepSpec<Body, Done> extends Described {
  readonly command: Asked<Body, Done>;
  /** Absent: it is sent when the step above it is done. */
  readonly after?: readonly string[];
  readonly forwardOnly?: true;
  readonly with: (order: Order, learned: Learned) => NoInfer<Body>;
  readonly learn?: (answer: NoInfer<Done>) => Partial<Learned>;
  readonly confirms?: (answer: NoInfer<Done>) => Readonly<Record<string, number | undefined>>;
  readonly undo: Undo;
}

/** A step as it is written down; `defineSaga` fills in what the step above it says. */
export type Written = (Omit<CommandStep, 'after'> & { readonly after?: readonly string[] | undefined }) | HeardStep;

/** One step. A `with` that builds another command's body, or an `undo` of another shape, does not compile. */
export function step<const Body, Done>(spec: StepSpec<Body, Done>): Exclude<Written, HeardStep> {
  const { with: bodyOf, learn, confirms, forwardOnly, ...rest } = spec;
  return {
    ...rest,
    kind: 'command',
    forwardOnly: forwardOnly ?? false,
    bodyOf,
    learn: (answer) => learn?.(answer as Done) ?? {},
    confirms: (answer) => confirms?.(answer as Done) ?? {},
  };
}

/** A step that its owner does when it hears the answer to another one. */
export function heard(spec: Omit<HeardStep, 'kind'>): HeardStep {
  return { kind: 'heard', ...spec };
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
export function undoneWith(step: string): Extract<Undo, { readonly kind: 'covered' }> {
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

/** Fills in which step waits for which, and checks what the types cannot. Throws `TypeError` at start-up. */
export function defineSaga(definition: Omit<Definition, 'steps'> & { readonly steps: readonly Written[] }): Definition {
  const { start, closing, cancellableBefore } = definition;
  const steps: Step[] = [];
  const asked = [start.name];
  const seen = new Set(asked);
  for (const written of definition.steps) {
    const { name, undo } = written;
    if (name === closing.name || seen.has(name)) throw new TypeError(`two steps are called ${name}`);
    const step = written.kind === 'heard' ? written : { ...written, after: written.after ?? [asked.at(-1)!] };
    for (const other of step.kind === 'heard' ? [step.hears] : step.after)
      if (!asked.includes(other)) throw new TypeError(`${name}: no earlier step that is asked for is called ${other}`);
    if (undo.kind === 'covered' && !seen.has(undo.by))
      throw new TypeError(`${name}: no earlier step is called ${undo.by}`);
    if (undo.kind === 'own' && !undo.command.undo) throw new TypeError(`${name}: ${undo.command.name} is no undo`);
    if (step.kind === 'command') {
      if (step.command.done === undefined) throw new TypeError(`${name}: ${step.command.name} is never answered`);
      if (step.after.length === 0) throw new TypeError(`${name} waits for nothing, not even for the start`);
      asked.push(name);
    }
    seen.add(name);
    steps.push(step);
  }
  if (!asked.includes(cancellableBefore) || cancellableBefore === start.name)
    throw new TypeError(`no step is called ${cancellableBefore}`);
  return { ...definition, steps };
}

/** The steps that the saga asks their owners for. */
export function askedSteps({ steps }: Definition): readonly CommandStep[] {
  return steps.filter((step) => step.kind === 'command');
}

/** The routes that an order needs before its money is taken: while one of them is open, accepting it is pointless. */
export function routesUpToCapture({ steps, cancellableBefore }: Definition): readonly string[] {
  const last = steps.findIndex((step) => step.name === cancellableBefore);
  const routes = steps.slice(0, last + 1).map((step) => (step.kind === 'heard' ? step.owner : step.command.route));
  return [...new Set(routes)];
}
