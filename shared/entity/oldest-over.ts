/** So many of the oldest, which stand first, that the rest takes no more than `maxBytes`. */
export function oldestOver<Item>(
  items: readonly Item[],
  bytesOf: (item: Item) => number,
  maxBytes: number,
): readonly Item[] {
  let bytes = 0;
  const last = items.findLastIndex((item) => (bytes += bytesOf(item)) > maxBytes);
  return items.slice(0, last + 1);
}
