import { z } from 'zod';

/** A schema and where it stands: `order.place.items[].sku`. */
export interface SchemaPart {
  readonly path: string;
  readonly schema: z.ZodType;
}

/** Every schema within this one, itself included. Throws for a kind that it does not know, so that none is passed over. */
export function partsOf(schema: unknown, path: string): readonly SchemaPart[] {
  if (!(schema instanceof z.ZodType)) throw new TypeError(`${path} is no schema`);
  return [{ path, schema }, ...inner(schema, path).flatMap((part) => partsOf(part.schema, part.path))];
}

function inner(schema: z.ZodType, path: string): readonly { readonly path: string; readonly schema: unknown }[] {
  if (schema instanceof z.ZodObject)
    return Object.entries(schema.shape).map(([name, part]) => ({ path: `${path}.${name}`, schema: part }));
  if (schema instanceof z.ZodArray) return [{ path: `${path}[]`, schema: schema.element }];
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodExactOptional ||
    schema instanceof z.ZodReadonly ||
    schema instanceof z.ZodDefault
  )
    return [{ path, schema: schema.def.innerType }];
  if (schema instanceof z.ZodDiscriminatedUnion)
    return schema.options.map((option, index) => ({ path: `${path}|${index}`, schema: option }));
  const isLeaf = [z.ZodString, z.ZodNumber, z.ZodBoolean, z.ZodEnum, z.ZodLiteral].some(
    (kind) => schema instanceof kind,
  );
  if (!isLeaf) throw new TypeError(`${path}: this kind of schema is not known here: ${schema.constructor.name}`);
  return [];
}

/**
 * The longest value that the schema takes: every optional field that has room beside the others, every list at its bound, every string of as many bytes as may be,
 * made of `letter` where the schema takes that.
 */
export function largest(schema: unknown, letter = 'x'): unknown {
  if (schema instanceof z.ZodObject) {
    const value = Object.entries(schema.shape).map(([name, part]) => [name, largest(part, letter)] as const);
    // What only is too much together with the rest is left out.
    const issues = schema.safeParse(Object.fromEntries(value)).error?.issues ?? [];
    const surplus = issues.flatMap(({ code, path }) => (code === 'custom' && path.length === 1 ? path : []));
    return Object.fromEntries(value.filter(([name]) => !surplus.includes(name)));
  }
  if (schema instanceof z.ZodArray) {
    const { maxLength } = boundsOf(schema);
    return Array.from({ length: maxLength ?? 1 }, () => largest(schema.element, letter));
  }
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodExactOptional ||
    schema instanceof z.ZodReadonly ||
    schema instanceof z.ZodDefault
  )
    return largest(schema.def.innerType, letter);
  if (schema instanceof z.ZodEnum) return schema.options.toSorted((a, b) => String(b).length - String(a).length)[0];
  if (schema instanceof z.ZodNumber) return schema.maxValue ?? Number.MAX_SAFE_INTEGER;
  if (schema instanceof z.ZodBoolean) return false;
  if (schema instanceof z.ZodString) {
    const text = letter.repeat(Math.floor(schema.maxLength! / (Buffer.byteLength(JSON.stringify(letter)) - 2)));
    return schema.safeParse(text).success ? text : `pm_${'x'.repeat(schema.maxLength! - 3)}`;
  }
  throw new TypeError('no largest value is known for this kind of schema');
}

/** The longest list that the schema takes; `undefined`: it has no bound. */
export function boundsOf(schema: z.ZodArray): { readonly maxLength: number | undefined } {
  const bounds = (schema.def.checks ?? []).map(({ _zod: { def } }) => (def as { readonly maximum?: number }).maximum);
  return { maxLength: bounds.find((bound) => bound !== undefined) };
}
