import type { z } from 'zod';
import { type FieldError, invalid } from './problems.ts';

/** What the schema makes of `value`. Throws a `validation` problem with one error per field, the outermost first. */
export function validate<Output>(
  schema: z.ZodType<Output>,
  value: unknown,
  where: NonNullable<FieldError['in']>,
): Output {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const errors = result.error.issues.flatMap((issue) => fieldErrors(issue, where));
  throw invalid(errors.toSorted((a, b) => depth(a.pointer) - depth(b.pointer)));
}

/** An unknown field is named itself, not the object that it is in. */
function fieldErrors(issue: z.core.$ZodIssue, where: NonNullable<FieldError['in']>): readonly FieldError[] {
  if (issue.code !== 'unrecognized_keys') return [{ pointer: pointerTo(issue.path), detail: issue.message, in: where }];
  return issue.keys.map((key) => ({ pointer: pointerTo([...issue.path, key]), detail: 'unknown field', in: where }));
}

/** RFC 6901. A name is cut at 100 characters: it is the client's own text. */
function pointerTo(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).slice(0, 100).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

function depth(pointer: string): number {
  return pointer.split('/').length;
}
