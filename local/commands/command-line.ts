/** The command line of every program that `npm run` starts: one table of options, which parsing and `--help` share. */
import { parseArgs, styleText } from 'node:util';
import { toldOf, Trouble } from '#local/stack/trouble.ts';

/** An option as `parseArgs` takes it, with what a person is told of it. */
export interface Option {
  readonly type: 'string' | 'boolean';
  /** Shown in the place of the value, in capitals. */
  readonly value?: string;
  readonly default?: string | boolean | string[];
  readonly multiple?: boolean;
  /** One sentence, without the default: the help adds it. */
  readonly means: string;
  /** A switch that is on: the help names its `--no-` form. */
  readonly negative?: boolean;
}

export interface CommandSpec<Options extends Readonly<Record<string, Option>> = Readonly<Record<string, Option>>> {
  /** As a person types it, e.g. `npm run order --`. */
  readonly call: string;
  readonly does: string;
  /** What may stand beside options, each with its meaning. */
  readonly words?: Readonly<Record<string, string>>;
  readonly options: Options;
  /** Whole command lines after `call`, each with what it is good for. */
  readonly examples: readonly (readonly [line: string, what: string])[];
  /** What another exit code than 0 means. */
  readonly exits?: string;
}

const HELP = { type: 'boolean', means: 'prints this' } as const satisfies Option;
/** The stack that a command asks, when it is not the one of this folder. */
export const apiOptions = {
  api: { type: 'string', value: 'URL', means: 'asks the API there instead of that of this folder; needs --token' },
  token: { type: 'string', value: 'TOKEN', means: "an operator's token for that API" },
} as const satisfies Readonly<Record<string, Option>>;

/** Keeps the literal types of a table, so that parsing it gives each option its own type. */
export function commandSpec<const Options extends Readonly<Record<string, Option>>>(
  spec: CommandSpec<Options>,
): CommandSpec<Options> {
  return spec;
}

/**
 * The values that `args` give to the options of `spec`, and its words.
 * @throws {Trouble} that says what is wrong and how to see what is right
 */
export function parsedBy<const Options extends Readonly<Record<string, Option>>>(
  spec: CommandSpec<Options>,
  args: readonly string[] = process.argv.slice(2),
) {
  try {
    return parseArgs({
      args: [...args],
      options: spec.options,
      allowPositionals: spec.words !== undefined,
      allowNegative: true,
    });
  } catch (error) {
    throw new Trouble(`${toldOf(error)}. ${hintOf(spec)}`);
  }
}

/**
 * What this process was told, read by `read`. Ends the process when there is nothing to do: with 0 after `--help`, with 1 when
 * the command line is wrong.
 */
export function toldBy<const Options extends Readonly<Record<string, Option>>, Told>(
  spec: CommandSpec<Options>,
  read: (args: readonly string[]) => Told,
  args: readonly string[] = process.argv.slice(2),
): Told {
  const own = args.includes('--') ? args.slice(0, args.indexOf('--')) : args;
  if (own.some((arg) => arg === '--help' || arg === '-h')) {
    process.stdout.write(`${helpOf(spec)}\n`);
    process.exit(0);
  }
  try {
    return read(args);
  } catch (error) {
    process.stderr.write(`${toldOf(error)}\n`);
    process.exit(1);
  }
}

/** `toldBy` for a command whose options need no reading beyond their types. */
export function commandLine<const Options extends Readonly<Record<string, Option>>>(spec: CommandSpec<Options>) {
  return toldBy(spec, (args) => parsedBy(spec, args));
}

/** Where a person finds what there is. */
export function hintOf({ call }: CommandSpec): string {
  return `\`${call}${call.endsWith('--') ? '' : ' --'} --help\` shows what there is`;
}

/** What the command does, its words, every option with its meaning, examples. */
export function helpOf({ call, does, words = {}, options, examples, exits }: CommandSpec): string {
  const title = (text: string): string => styleText('bold', text, { stream: process.stdout });
  const wordNames = Object.keys(words);
  const rows = Object.entries({ ...options, help: HELP } as Readonly<Record<string, Option>>).map(
    ([name, option]) => [flagOf(name, option), meaningOf(option)] as const,
  );
  const lines = examples.map(
    ([line, what]) => [line === '' ? call.replace(/ --$/, '') : `${call} ${line}`, what] as const,
  );
  return [
    `${title(call)}${wordNames.map((word) => ` [${word}]`).join('')} [options]`,
    '',
    `  ${does}`,
    ...(wordNames.length === 0 ? [] : ['', ...table(Object.entries(words))]),
    '',
    title('Options'),
    ...table(rows),
    '',
    title('Examples'),
    ...table(lines),
    ...(exits === undefined ? [] : ['', `Exit code ${exits}`]),
  ].join('\n');
}

function flagOf(name: string, { type, value, negative }: Option): string {
  if (type === 'boolean') return negative === true ? `--no-${name}` : `--${name}`;
  return `--${name} ${value ?? 'TEXT'}`;
}

function meaningOf({ means, multiple, default: usual, type }: Option): string {
  const often = multiple === true ? '; may be given several times' : '';
  return `${means}${often}${typeof usual === 'string' && type === 'string' ? ` (${usual})` : ''}`;
}

const WIDEST = 34;

function table(rows: readonly (readonly [string, string])[]): readonly string[] {
  const width = Math.min(WIDEST, Math.max(...rows.map(([left]) => left.length)));
  return rows.map(([left, right]) =>
    left.length > width ? `  ${left}\n  ${' '.repeat(width)}  ${right}` : `  ${left.padEnd(width)}  ${right}`,
  );
}
