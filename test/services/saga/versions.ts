/** What is remembered of each version of the road. Run on its own, it adds those that are new; what is there it leaves alone. */
import { readFileSync, writeFileSync } from 'node:fs';
import { details } from './cases.ts';
import { orderDataOf } from '#services/saga/order-data.ts';
import { definitions } from '#services/saga/place-order-versions.ts';
import type { OrderDefinition } from '#services/saga/saga.ts';
import { labelOf } from '#shared/saga/definition.ts';
import type { OwnUndo, Undo } from '#shared/saga/step.ts';

export const FILE = 'test/services/saga/versions.json';

export function written(): Readonly<Record<string, readonly string[]>> {
  return JSON.parse(readFileSync(FILE, 'utf8')) as Readonly<Record<string, readonly string[]>>;
}

const data = orderDataOf({ ...details, placedAt: 1 });
const learned = { captureId: 'capture', capturedAt: 1, dispatchedAt: 1, payment: 'settled' } as const;
const failure = { reason: 'reason', step: 'step' };
const fieldsOf = (body: unknown): string => `(${Object.keys(body as object).join(' ')})`;

/** A line for each step: its name, what it waits for, its command and undo with the fields of their bodies. */
export function sentBy({ start, steps, cancellableBefore, finalNotice }: OrderDefinition): string[] {
  const own = ({ command, bodyOf }: Pick<OwnUndo<typeof data>, 'command' | 'bodyOf'>): string =>
    `undone by ${command.name} ${fieldsOf(bodyOf(data, { of: 'id', number: 1, outcome: 'failed', failure, learned }))}`;
  const undone = (undo: Undo<typeof data>): string => (undo.kind === 'own' ? own(undo) : `undone with ${undo.by}`);
  const notice = fieldsOf(finalNotice!.bodyOf(data, { outcome: 'failed', failure }));
  return [
    `${start.name}, ${undone(start.undo!)}`,
    ...steps.map((step) => {
      if (step.kind === 'heard') return `${step.name}: ${step.owner} hears ${step.hears}, ${undone(step.undo)}`;
      const { name, after, command, forwardOnly, retries, partsOf, undo } = step;
      // How often, how late and what between tries is for the configuration to say.
      const again = retries === undefined ? '' : `, again unless ${(retries.unless ?? []).join(' or ')}`;
      const each = partsOf === undefined ? '' : ' for each part';
      const sent = `${command.name} ${fieldsOf(step.bodyOf(data, learned, 1))}`;
      return `${name}${each} after ${after.join(' and ')}: ${sent}${forwardOnly ? ', forward only' : ''}${again}, ${undone(undo)}`;
    }),
    `cancellable before ${cancellableBefore}, at last ${finalNotice!.name}: ${finalNotice!.command.name} ${notice}`,
  ];
}

if (import.meta.main) {
  const known = written();
  const all = definitions.map((definition) => [labelOf(definition), known[labelOf(definition)] ?? sentBy(definition)]);
  writeFileSync(FILE, `${JSON.stringify(Object.fromEntries(all), undefined, 2)}\n`);
}
