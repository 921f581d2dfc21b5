import type { Definition } from './definition.ts';
import type { StepRecord } from './state.ts';
import { type CommandStep, PART, type Step } from './step.ts';

/*
 * Only this file knows of steps that have parts: to everything else the parts are steps like any other, which run side by side.
 */

/** So many parts are asked at once, each of the others when one before it is done: what a commit sends stays small. */
const AT_ONCE = 20;

/** What is kept of `forData`, in steps of all definitions together: some megabytes. */
const MOST_STEPS = 20_000;
/** By its data, which is the same object from one message of a saga to the next: what was made of it, latest last. */
const made = new Map<unknown, { readonly of: unknown; readonly definition: unknown; readonly steps: number }>();
let stepsMade = 0;

/** The definition with the parts that the data of an open saga has. Neither is ever changed: the same two give the same. */
export function forData<Data, Learned extends object>(
  definition: Definition<Data, Learned>,
  data: Data,
): Definition<Data, Learned> {
  const known = made.get(data);
  if (known !== undefined) {
    made.delete(data);
    if (known.of === definition) {
      made.set(data, known);
      return known.definition as Definition<Data, Learned>;
    }
    stepsMade -= known.steps;
  }
  const whole = expanded(definition, data);
  if (whole === definition) return definition;
  stepsMade += whole.steps.length;
  made.set(data, { of: definition, definition: whole, steps: whole.steps.length });
  for (const [oldest, { steps }] of made) {
    if (stepsMade <= MOST_STEPS) break;
    made.delete(oldest);
    stepsMade -= steps;
  }
  return whole;
}

function expanded<Data, Learned extends object>(
  definition: Definition<Data, Learned>,
  data: Data,
): Definition<Data, Learned> {
  return withParts(definition, (whole) =>
    whole.partsOf!(data).map((part, index, { length }) => numbered({ ...part, after: [] }, index + 1, length)),
  );
}

/**
 * The definition with the parts that were sent, for a saga whose data is gone: nothing more is sent, so what would be in a message
 * does not matter. A step of which nothing was sent stays whole.
 */
export function forRecords<Data, Learned extends object>(
  definition: Definition<Data, Learned>,
  records: readonly StepRecord[],
): Definition<Data, Learned> {
  return withParts(definition, (whole) => {
    const sent = new Set(records.flatMap(({ name }) => (wholeOf(name) === whole.name ? [name] : [])));
    if (sent.size === 0) return [whole];
    const { partsOf: _partsOf, ...part } = whole;
    return Array.from(sent, (_, index) => numbered(part, index + 1, sent.size));
  });
}

/** The name of the step that a part belongs to; of a step without parts its own. */
export function wholeOf(name: string): string {
  return name.split(PART, 1)[0]!;
}

function numbered<Data, Learned extends object>(
  part: CommandStep<Data, Learned>,
  number: number,
  count: number,
): CommandStep<Data, Learned> {
  const title = count === 1 ? part.title : `${part.title} (${number} of ${count})`;
  return { ...part, name: `${part.name}${PART}${number}`, title };
}

/** What waits for a whole waits for all its parts; where there is none, for what the whole waits for. */
function withParts<Data, Learned extends object>(
  definition: Definition<Data, Learned>,
  partsOf: (whole: CommandStep<Data, Learned>) => readonly CommandStep<Data, Learned>[],
): Definition<Data, Learned> {
  if (!definition.steps.some((step) => step.kind === 'command' && step.partsOf !== undefined)) return definition;
  const instead = new Map<string, readonly string[]>();
  const steps = definition.steps.flatMap((step): readonly Step<Data, Learned>[] => {
    if (step.kind === 'heard') return [step];
    const after = step.after.flatMap((name) => instead.get(name) ?? [name]);
    if (step.partsOf === undefined) return [{ ...step, after }];
    const all = partsOf(step);
    const parts = all.map((part, index) => ({
      ...part,
      after: index < AT_ONCE ? after : [all[index - AT_ONCE]!.name],
    }));
    instead.set(step.name, parts.length === 0 ? after : parts.map(({ name }) => name));
    return parts;
  });
  return { ...definition, steps };
}
