import { type CommandStep, PART, type FinalNotice, type OwnUndo, type Start, type Step } from './step.ts';
import type { Written } from './writing.ts';

/** A saga as data. One version of it is never changed once a saga ran under it: a change is a new version. */
export interface Definition<Data = unknown, Learned extends object = object> {
  readonly name: string;
  /** Raise it with every change to the steps, and keep the old definition while sagas of it are open. */
  readonly version: number;
  readonly start: Start<Data, Learned>;
  readonly steps: readonly Step<Data, Learned>[];
  /** The saga can be cancelled until this step is sent. */
  readonly cancellableBefore: string;
  /** Absent: nobody is told that it was undone. */
  readonly finalNotice?: FinalNotice<Data> | undefined;
}

/** Fills in which step waits for which, and checks what the types cannot. Throws `TypeError` at start-up. */
export function defineSaga<Data, Learned extends object>(
  definition: Omit<Definition<Data, Learned>, 'steps'> & { readonly steps: readonly Written<Data, Learned>[] },
): Definition<Data, Learned> {
  const { start, finalNotice, cancellableBefore } = definition;
  const steps: Step<Data, Learned>[] = [];
  const asked = [start.name];
  const seen = new Set(asked);
  const wholes = new Set<string>();
  for (const written of definition.steps) {
    const { name, undo } = written;
    if (name === finalNotice?.name || seen.has(name)) throw new TypeError(`two steps are called ${name}`);
    if (name.includes(PART)) throw new TypeError(`${name}: ${PART} is for the parts of a step`);
    const step = written.kind === 'heard' ? written : { ...written, after: written.after ?? [asked.at(-1)!] };
    for (const other of step.kind === 'heard' ? [step.hears] : step.after)
      if (!asked.includes(other)) throw new TypeError(`${name}: no earlier step that is asked for is called ${other}`);
    if (undo.kind === 'covered' && !seen.has(undo.by))
      throw new TypeError(`${name}: no earlier step is called ${undo.by}`);
    const told = [step.kind === 'heard' ? step.hears : '', undo.kind === 'covered' ? undo.by : ''];
    const split = told.find((other) => wholes.has(other));
    if (split !== undefined)
      throw new TypeError(`${name}: ${split} has parts, it can neither be heard nor undo others`);
    if (undo.kind === 'own' && !undo.command.undo) throw new TypeError(`${name}: ${undo.command.name} is no undo`);
    if (step.kind === 'command') {
      checkCommandStep(step);
      asked.push(name);
      if (step.partsOf !== undefined) wholes.add(name);
    }
    seen.add(name);
    steps.push(step);
  }
  if (!asked.includes(cancellableBefore) || cancellableBefore === start.name)
    throw new TypeError(`no step is called ${cancellableBefore}`);
  if (wholes.has(cancellableBefore)) throw new TypeError(`${cancellableBefore} has parts, sent one by one`);
  return { ...definition, steps };
}

function checkCommandStep({ name, number, command, after, retries, partsOf }: CommandStep): void {
  if (command.done === undefined) throw new TypeError(`${name}: ${command.name} is never answered`);
  if (after.length === 0) throw new TypeError(`${name} waits for nothing, not even for the start`);
  if (partsOf !== undefined && number !== undefined)
    throw new TypeError(`${name} has parts, it is no numbered milestone`);
  if (retries === undefined) return;
  const { times, delayMs } = retries;
  if (command.refused === undefined) throw new TypeError(`${name}: ${command.name} is never refused, nothing to retry`);
  if (!Number.isInteger(times) || times < 1 || times > MAX_RETRIES)
    throw new TypeError(`${name}: retries.times is from 1 to ${MAX_RETRIES}, not ${times}`);
  if (!(delayMs > 0)) throw new TypeError(`${name}: retries.delayMs is more than 0, not ${delayMs}`);
}

/** Each released try leaves its records in the document. */
const MAX_RETRIES = 20;

/** The name by which a stored saga names its definition. */
export function labelOf({ name, version }: { readonly name: string; readonly version: number }): string {
  return `${name}@${version}`;
}

/** How many tries a saga has, the first included. */
export function maxAttemptsOf(definition: Definition): number {
  return 1 + Math.max(0, ...askedSteps(definition).map(({ retries }) => retries?.times ?? 0));
}

/** The steps that the saga asks their owners for. */
export function askedSteps<Data, Learned extends object>({
  steps,
}: Definition<Data, Learned>): readonly CommandStep<Data, Learned>[] {
  return steps.filter((step) => step.kind === 'command');
}

/** How a step is taken back; `undefined`: by another step's undo. */
export function undoOf<Data, Learned extends object>(
  { start, steps }: Definition<Data, Learned>,
  name: string,
): OwnUndo<Data, Learned> | undefined {
  if (name === start.name) return start.undo;
  const undo = steps.find((step) => step.name === name)?.undo;
  return undo?.kind === 'own' ? undo : undefined;
}

/** The routes whose owners are needed until the saga cannot be cancelled any more. */
export function routesBeforeNoReturn({ steps, cancellableBefore }: Definition): readonly string[] {
  const last = steps.findIndex((step) => step.name === cancellableBefore);
  const routes = steps.slice(0, last + 1).map((step) => (step.kind === 'heard' ? step.owner : step.command.route));
  return [...new Set(routes)];
}
