import { canonicalJson } from '#shared/canonical-json.ts';

/** Whether two journal records say the same: in whatever order their fields are, and `undefined` is no field. `_id` does not count. */
export function sameRecord(a: object, b: object): boolean {
  return textOf(a) === textOf(b);
}

function textOf(record: object): string {
  const { _id, ...fields } = record as { readonly _id?: unknown };
  return canonicalJson(fields);
}
