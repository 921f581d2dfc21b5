import { z } from 'zod';
import { Problem } from './problems.ts';
import { validate } from './validate.ts';

/** Of what a request may change: the version that its client read, or whichever there is (`*`). */
export type IfMatch = number | '*';

/** The entity tag of a version (RFC 9110, 8.8.3). */
export function etagOf(version: number): string {
  return `"${version}"`;
}

/** The version that the client read, as the field of a command that changes it; no field: whichever there is. */
export function versionOf(ifMatch: IfMatch | undefined): { readonly version?: number } {
  return typeof ifMatch === 'number' ? { version: ifMatch } : {};
}

/** No version is ever this one. */
const NO_VERSION = 0;
const ENTITY_TAG = /^(?<weak>W\/)?"(?<opaque>[\x21\x23-\x7e\x80-\xff]*)"$/;

const header = z.object({
  'If-Match': z
    .string()
    .trim()
    .refine(
      (text) => text === '*' || ENTITY_TAG.test(text),
      'must be `*` or one entity tag in quotes, as ETag gave it',
    ),
});

/**
 * The header If-Match. A tag that is none of ours, or a weak one, is as good as a stale one (RFC 9110, 13.1.1). Throws
 * precondition-required without the header, validation for what is no tag.
 */
export function ifMatchOf(text: string | undefined): IfMatch {
  if (text === undefined)
    throw new Problem('precondition-required', 'send If-Match with the ETag of the version that you read');
  const { 'If-Match': tag } = validate(header, { 'If-Match': text }, 'header');
  if (tag === '*') return tag;
  const { weak, opaque = '' } = ENTITY_TAG.exec(tag)?.groups ?? {};
  return weak === undefined && /^[1-9][0-9]{0,14}$/.test(opaque) ? Number(opaque) : NO_VERSION;
}

/** It was changed since the client read it. `current`: what its ETag is now. */
export function stale(current: number): Problem {
  return new Problem('precondition-failed', 'it was changed since; read it again and decide anew', {
    headers: { ETag: etagOf(current) },
  });
}
