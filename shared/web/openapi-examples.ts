import { z } from 'zod';

/** For what says nothing better: names of things, times, numbers. */
const TEXTS = ['0193f7a0-5a5a-7000-8000-00004f2a91bc', '2026-11-28T13:05:00.104Z', 'payment.create', 'a', '1', 'EUR'];
const NUMBERS = [1, 0, 10, 100, 1000];
/** Deeper, shapes that hold themselves are left out. */
const DEEPEST = 8;

/**
 * An example of what a schema takes: the first of its own, else one made of those of its parts, where a field that says nothing is
 * named after itself. Fields that may be absent are shown when they, or their parts, have examples of their own.
 */
export function exampleOf(schema: z.core.$ZodType, name = 'text', depth = 0): unknown {
  const own = ownOf(schema);
  if (own !== undefined || depth > DEEPEST) return own;
  const { def } = (schema as z.ZodType)._zod as unknown as { readonly def: Def };
  const inner = def.innerType ?? def.out ?? def.getter?.();
  if (inner !== undefined) return exampleOf(inner, name, depth + 1);
  switch (def.type) {
    case 'object':
      return objectOf(def.shape ?? {}, depth);
    case 'array':
      return def.element === undefined ? [] : [exampleOf(def.element, name, depth + 1)];
    case 'tuple':
      return (def.items ?? []).map((one) => exampleOf(one, name, depth + 1));
    case 'union':
      return def.options?.[0] && exampleOf(def.options[0], name, depth + 1);
    case 'record':
      return recordOf(def, name, depth);
    case 'enum':
      return Object.values(def.entries ?? {})[0];
    case 'literal':
      return def.values?.[0];
    case 'boolean':
      return true;
    case 'number':
      return firstTaken(schema, NUMBERS);
    case 'string':
      return firstTaken(schema, [...(/id$/i.test(name) ? [] : [wordOf(name)]), ...TEXTS]);
    default:
      return undefined;
  }
}

/** Of the parts of zod's definitions, those that lead on. */
interface Def {
  readonly type: string;
  readonly innerType?: z.core.$ZodType;
  readonly out?: z.core.$ZodType;
  readonly getter?: () => z.core.$ZodType;
  readonly shape?: z.core.$ZodShape;
  readonly element?: z.core.$ZodType;
  readonly items?: readonly z.core.$ZodType[];
  readonly options?: readonly z.core.$ZodType[];
  readonly keyType?: z.core.$ZodType;
  readonly valueType?: z.core.$ZodType;
  readonly entries?: Readonly<Record<string, string | number>>;
  readonly values?: readonly unknown[];
}

function ownOf(schema: z.core.$ZodType): unknown {
  const { examples } = (z.globalRegistry.get(schema) ?? {}) as { readonly examples?: readonly unknown[] };
  return examples?.[0];
}

function objectOf(shape: z.core.$ZodShape, depth: number): object {
  const fields = Object.entries(shape).filter(([, field]) => !isOptional(field) || saysExample(field));
  return Object.fromEntries(fields.map(([name, field]) => [name, exampleOf(field, name, depth + 1)]));
}

function recordOf({ keyType, valueType }: Def, name: string, depth: number): object {
  if (keyType === undefined || valueType === undefined) return {};
  return { [String(exampleOf(keyType, name, depth + 1))]: exampleOf(valueType, name, depth + 1) };
}

function isOptional(schema: z.core.$ZodType): boolean {
  return z.safeParse(schema, undefined).success;
}

/** It, or what it wraps, has an example of its own. */
function saysExample(schema: z.core.$ZodType): boolean {
  const { innerType, element } = ((schema as z.ZodType)._zod as unknown as { readonly def: Def }).def;
  const inside = innerType ?? element;
  return ownOf(schema) !== undefined || (inside !== undefined && saysExample(inside));
}

function firstTaken(schema: z.core.$ZodType, candidates: readonly unknown[]): unknown {
  return candidates.find((one) => z.safeParse(schema, one).success);
}

function wordOf(name: string): string {
  return name.replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
