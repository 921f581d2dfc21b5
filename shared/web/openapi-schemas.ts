import { z } from 'zod';
import { namedShapes } from './shapes.ts';

export type Json = Readonly<Record<string, unknown>>;

/** Every named shape, as JSON Schema. */
export function components(): Json {
  const { schemas } = z.toJSONSchema(namedShapes, {
    io: 'output',
    uri: (name) => `#/components/schemas/${name}`,
    override: readable,
  });
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, withoutId(schema)]));
}

/** JSON Schema 2020-12, with references to the shapes that have names. */
export function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const json = z.toJSONSchema(schema, { io, metadata: namedShapes, override: readable });
  return JSON.parse(JSON.stringify(withoutId(json)).replaceAll('"#/$defs/', '"#/components/schemas/')) as Json;
}

interface Overridden {
  readonly zodSchema: z.core.$ZodType;
  readonly jsonSchema: z.core.JSONSchema.BaseSchema;
}

/**
 * Adds what the schema says of itself, and makes the rest fit for readers in other languages: whole numbers say how many
 * bits they need instead of the bounds of JavaScript; a format stands alone, without the expression that checks it here; that more
 * fields may come is not said, because it is so unless said, and generators take it for a dictionary.
 */
function readable({ zodSchema, jsonSchema }: Overridden): void {
  const { id: _id, ...said } = z.globalRegistry.get(zodSchema) ?? {};
  Object.assign(jsonSchema, said);
  if (jsonSchema.type === 'integer') {
    jsonSchema.format = 'int64';
    if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  }
  if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
  if (isEmpty(jsonSchema.additionalProperties)) delete jsonSchema.additionalProperties;
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/** What stands for itself in a schema of its own, but not inside another document. */
function withoutId(schema: object): Json {
  return Object.fromEntries(Object.entries(schema).filter(([name]) => !['$schema', '$id', '$defs'].includes(name)));
}
