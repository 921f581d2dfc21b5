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
  return shape({
    items: z.array(items).readonly().describe('The page.'),
    nextCursor: z.string().optional().describe('`cursor` of the next page; absent on the last.'),
  });
}

export const document = z.looseObject({});

named(
  'Problem',
  z
    .looseObject({
      type: z.string().describe('A URI reference that names the kind; `GET` it to read what it means.'),
      title: z.string().describe('The kind in words.'),
      status: z.int().describe('The status of the answer.'),
      detail: z.string().describe('What is wrong with this request.'),
      instance: z.string().optional().describe('The path of the request; absent when the request could not be read.'),
      traceId: z.string().describe('Names the request in the logs.'),
      errors: z
        .array(
          z.looseObject({
            pointer: z.string().describe('A JSON pointer (RFC 6901) to the field.'),
            detail: z.string().describe('What is wrong with it.'),
          }),
        )
        .optional()
        .describe('Every invalid field, at most 20.'),
    })
    .meta({
      examples: [
        {
          type: '/problems/validation',
          title: 'The request is not valid',
          status: 400,
          detail: '/items/0/quantity: Too small: expected number to be >=1',
          instance: '/v1/orders',
          traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
          errors: [{ pointer: '/items/0/quantity', detail: 'Too small: expected number to be >=1', in: 'body' }],
        },
      ],
    }),
);
