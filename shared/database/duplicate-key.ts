/** What MongoDB answers to a write that a unique index forbids. */
export const DUPLICATE_KEY = 11000;

export function isDuplicateKey(error: unknown): boolean {
  return (error as { readonly code?: unknown }).code === DUPLICATE_KEY;
}
