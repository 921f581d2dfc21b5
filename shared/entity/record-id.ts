/** Between the parts of a record's id: no id of a message holds a control character. */
const SEPARATOR = '\u001F';

/** A record's id among those of all keys of a service: the same parts give the same id, others another one. */
export function joined(...parts: readonly string[]): string {
  return parts.join(SEPARATOR);
}
