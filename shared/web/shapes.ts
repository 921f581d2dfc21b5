import { z } from 'zod';

/** What clients get from many endpoints alike. Fields may be added to a shape, none is renamed or removed. */

/** The shapes that appear by name under `components.schemas`. */
export const namedShapes = z.registry<{ id: string }>();

/** Gives a shape its name in the OpenAPI document. */
export function named<Shape extends z.ZodType>(id: string, shape: Shape): Shape {
  namedShapes.add(shape, { id });
  return shape;
}

/** An object that later versions may add fields to; its type is inferred from those that are listed. */
export function shape<Fields extends z.ZodRawShape>(fields: Fields): z.ZodObject<Fields> {
  return z.looseObject(fields) as z.ZodType as z.ZodObject<Fields>;
}

/** RFC 3339. */
export const time = z.iso.datetime({ offset: true });

/** A page of a list. */
export function listOf<Item extends z.ZodType>(items: Item) {
  return shape({ items: z.array(items).readonly(), nextCursor: z.string().optional() });
}

export const document = z.looseObject({});

named(
  'Problem',
  z.looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string(),
    traceId: z.string(),
    errors: z.array(z.looseObject({ pointer: z.string(), detail: z.string() })).optional(),
  }),
);
