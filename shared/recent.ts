/** Puts an entry behind all others; beyond `most` entries that which was put longest ago goes. */
export function putRecent<Key, Value>(recent: Map<Key, Value>, key: Key, value: Value, most: number): void {
  recent.delete(key);
  recent.set(key, value);
  const [oldest] = recent.keys();
  if (recent.size > most) recent.delete(oldest!);
}
