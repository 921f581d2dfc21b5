import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { ConfigError, reasonOf } from '#shared/errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What people write where a number or a word is wanted; no address, no key. */
const PLAIN = /^[\w ,./+-]{1,20}$/;

/** What must not run although each variable alone is right; the sentences name the variables. */
export type ConfigRule<Config> = (config: Config) => readonly string[];

/**
 * Reads one process's configuration: the schema's names from `environment`, or from the file named by `<NAME>_FILE`.
 * Frozen. Throws a `ConfigError` that lists every problem at once, those of the rules too; a rule that needs a variable which
 * is wrong itself has nothing to say.
 */
export function readConfig<Shape extends z.ZodRawShape>(
  shape: Shape,
  environment: Environment,
  rules: readonly ConfigRule<z.infer<z.ZodObject<Shape>>>[] = [],
): z.infer<z.ZodObject<Shape>> {
  const problems: string[] = [];
  const config: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(shape)) {
    const file = environment[`${name}_FILE`];
    const value = file === undefined ? environment[name] : contentOf(name, file, problems);
    const parsed = z.safeParse(schema, value === '' ? undefined : value);
    if (parsed.success && !problems.some((one) => one.startsWith(`${name}_FILE:`))) config[name] = parsed.data;
    else Object.defineProperty(config, name, { get: unreadable });
    if (parsed.success || problems.some((one) => one.startsWith(`${name}_FILE:`))) continue;
    if (value === undefined || value === '') problems.push(`${name} is missing`);
    else
      for (const issue of parsed.error.issues)
        problems.push(`${[name, ...issue.path].join('.')}: ${sentenceOf(issue, value, file)}`);
  }
  for (const rule of rules) problems.push(...saidBy(rule, config as z.infer<z.ZodObject<Shape>>));
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze(config) as z.infer<z.ZodObject<Shape>>;
}

/** A value is told where its kind says that it is no secret, unless it looks like one or stands in a file, as secrets do. */
function sentenceOf(issue: z.core.$ZodIssue, value: string, file: string | undefined): string {
  const isShown =
    issue.code === 'custom' && issue.params?.['shown'] === true && file === undefined && PLAIN.test(value);
  return isShown ? `${issue.message}, is ${JSON.stringify(value)}` : issue.message;
}

class Unreadable extends Error {}

function unreadable(): never {
  throw new Unreadable();
}

function saidBy<Config>(rule: ConfigRule<Config>, config: Config): readonly string[] {
  try {
    return rule(config);
  } catch (error) {
    if (error instanceof Unreadable) return [];
    throw error;
  }
}

function contentOf(name: string, file: string, problems: string[]): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    problems.push(`${name}_FILE: ${reasonOf(error)}`);
    return undefined;
  }
}
