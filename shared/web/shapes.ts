import { z } from 'zod';

/** What clients get from many endpoints alike. Fields may be added to a shape, none is renamed or removed. */

/** The shapes that appear by name under `components.schemas`. */
export const namedShapes = z.registry<{ id: string }>();

/** Gives a shape its name in the OpenAPI document. */
export function named<Shape extends z.ZodType>(id: string, shape: Shape): Shape {
  namedShapes.add(shape, { id });
  return shape;
}

/** RFC 3339. */
export const time = z.iso.datetime({ offset: true });

/** A page of a list. */
export function listOf<Item extends z.ZodType>(items: Item) {
  return z.looseObject({ items: z.array(items), nextCursor: z.string().optional() });
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
