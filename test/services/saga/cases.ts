import { z } from 'zod';
import { orderDataOf } from '#services/saga/order-data.ts';
import type { OrderDetails } from '#services/order/contract.ts';
import { askedSteps, type Definition } from '#shared/saga/definition.ts';
import type { CommandStep } from '#shared/saga/step.ts';
import type { EventType } from '#shared/message.ts';

/** One compensation that has to happen: of which step, by which command, naming which message as its effect. */
export interface OwedUndo {
  readonly step: string;
  readonly command: string;
  readonly of: string;
}

/** Everything that can go wrong at one step of a saga, for a test on the pure functions, the in-memory bus or the real stack. */
export interface StepCase {
  readonly name: string;
  /** The wire name of its command, for fault injection at `service`. */
  readonly command: string;
  readonly service: string;
  readonly canRefuse: boolean;
  /** Tried again until the saga's deadline before anything is undone. */
  readonly forwardOnly: boolean;
  /** How it is tried again when it is refused. */
  readonly retries: CommandStep['retries'];
  /** `saga.cancel` while this step is outstanding undoes the order. */
  readonly cancellable: boolean;
  /** The compensations, in order, once this step was refused; `of` is for the given order. */
  afterRefusal(orderId: string): readonly OwedUndo[];
  /** The same once it was not answered: a timeout, a crash for ever, a cancel. */
  afterSilence(orderId: string): readonly OwedUndo[];
}

/**
 * The cases of a definition, made from it alone, so that a new step is tested by existing. A step fails while everything
 * that does not wait for it is done.
 */
export function stepCases(definition: Definition, order: OrderDetails = details): readonly StepCase[] {
  const { start, cancellableBefore } = definition;
  const steps = withParts(askedSteps(definition), orderDataOf(order));
  const waitsFor = ({ after }: CommandStep, name: string): boolean =>
    after.some((one) => one === name || steps.some((step) => step.name === one && waitsFor(step, name)));
  return steps.map((step) => {
    const { name, command, forwardOnly, retries } = step;
    const done = steps.filter((other) => other !== step && !waitsFor(other, name));
    const owed = (orderId: string, effects: readonly CommandStep[]): OwedUndo[] => [
      ...effects
        .flatMap((one) =>
          one.undo.kind === 'own'
            ? [{ step: one.name, command: one.undo.command.name, of: `${orderId}:${one.name}:do` }]
            : [],
        )
        .toReversed(),
      { step: start.name, command: start.undo!.command.name, of: start.effectId(orderId) },
    ];
    return {
      name,
      command: command.name,
      service: command.route,
      canRefuse: command.refused !== undefined,
      forwardOnly,
      retries,
      cancellable: steps.some((other) => other.name === cancellableBefore && waitsFor(other, name)),
      afterRefusal: (orderId) => owed(orderId, done),
      afterSilence: (orderId) => owed(orderId, [...done, step]),
    };
  });
}

/** Every part of a step is a step of its own; what waits for the step waits for all of them. */
function withParts(steps: readonly CommandStep[], data: unknown): readonly CommandStep[] {
  const parts = new Map<string, readonly string[]>();
  return steps.flatMap((step) => {
    const after = step.after.flatMap((name) => parts.get(name) ?? [name]);
    if (step.partsOf === undefined) return [{ ...step, after }];
    const all = step.partsOf(data).map((part, index) => ({ ...part, name: `${step.name}/${index + 1}`, after }));
    parts.set(
      step.name,
      all.map(({ name }) => name),
    );
    return all;
  });
}

/** A body that the event's schema accepts: fields of the command where they have the same name and fit, else the plainest value. */
export function answerBody(type: EventType, command: object): Record<string, unknown> {
  if (!(type.body instanceof z.ZodObject)) throw new TypeError(`${type.name} has no object body`);
  const given = command as Record<string, unknown>;
  const fields = Object.entries(type.body.shape as Readonly<Record<string, z.ZodType>>).flatMap(([field, schema]) => {
    if (field in given && schema.safeParse(given[field]).success) return [[field, given[field]]];
    const value = plainest(schema);
    return value === undefined ? [] : [[field, value]];
  });
  return type.body.parse(Object.fromEntries(fields));
}

function plainest(schema: unknown): unknown {
  if (schema instanceof z.ZodOptional) return undefined;
  if (schema instanceof z.ZodEnum) return schema.options[0];
  if (schema instanceof z.ZodNumber) return 1_700_000_000_000;
  if (schema instanceof z.ZodBoolean) return false;
  if (schema instanceof z.ZodString) return 'some text';
  throw new TypeError('answerBody knows no value for this kind of field yet');
}

/** Of several products, one of them on two lines. */
export const variedItems: OrderDetails['items'] = [
  { sku: 'book', quantity: 1, unitPrice: { amount: 1299, currency: 'EUR' } },
  { sku: 'tea', quantity: 2, unitPrice: { amount: 300, currency: 'EUR' } },
  { sku: 'book', quantity: 1, unitPrice: { amount: 699, currency: 'EUR' } },
];

export const details: OrderDetails = {
  orderId: '0193f7a0-5a5a-7000-8000-000000000001',
  customerId: 'alice',
  email: 'alice@example.org',
  items: [{ sku: 'book', quantity: 2, unitPrice: { amount: 1299, currency: 'EUR' } }],
  total: { amount: 2598, currency: 'EUR' },
  paymentMethod: 'pm_ok',
};
