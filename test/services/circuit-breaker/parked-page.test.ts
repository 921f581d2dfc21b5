import test from 'ava';
import type { ParkedItem } from '#services/circuit-breaker/contract.ts';
import { parkedPage } from '#services/circuit-breaker/parked-page.ts';

const item = (lastExpiredAt: number, messageId: string, route = 'payment'): ParkedItem => ({
  route,
  messageId,
  type: `${route}.do`,
  key: messageId,
  correlationId: 'o',
  firstExpiredAt: 1,
  lastExpiredAt,
  expiries: 1,
  redriven: 0,
});
const ids = (items: readonly ParkedItem[]): string => items.map(({ messageId }) => messageId).join();

/** Reads page after page; `change` is what happens to what is parked between two of them. */
function readAll(all: readonly ParkedItem[], limit: number, change = (now: readonly ParkedItem[]) => now): string[] {
  const pages: string[] = [];
  let parked = all;
  let cursor: string | undefined;
  do {
    const page = parkedPage(parked, limit, cursor);
    pages.push(ids(page.items));
    cursor = page.nextCursor;
    parked = change(parked);
  } while (cursor !== undefined);
  return pages;
}

test('pages are oldest first, whatever the order at hand, and a full last page has no next one', (t) => {
  const all = [item(30, 'd'), item(10, 'b', 'wallet'), item(10, 'a', 'wallet'), item(10, 'c', 'order'), item(20, 'e')];
  t.deepEqual(readAll(all, 2), ['c,a', 'b,e', 'd']);
  t.deepEqual(readAll(all.toReversed(), 5), ['c,a,b,e,d']);
  t.deepEqual(readAll([], 5), ['']);
});

test('what stays is on one page, whatever comes, goes and expires again meanwhile', (t) => {
  const all = Array.from({ length: 9 }, (_, index) => item(index, `m${index}`));
  let round = 0;
  const pages = readAll(all, 3, (now) => {
    round += 1;
    // The oldest goes back, the last one of the page that was read expires again, a new one comes.
    const [, ...rest] = now;
    const again = item(100 + round, `m${3 * round - 1}`);
    return [...rest.filter(({ messageId }) => messageId !== again.messageId), again, item(200 + round, `new${round}`)];
  });
  const seen = pages.join().split(',');
  for (const one of ['m0', 'm1', 'm3', 'm4', 'm6', 'm7'])
    t.is(seen.filter((id) => id === one).length, 1, pages.join(' | '));
  t.true(seen.includes('new1'));
});

test('a message id may be anything, also what looks like a cursor', (t) => {
  const all = ['', ' ', '5 payment x', 'a\nb', '🚂'].map((id) => item(5, id));
  const seen = readAll(all, 1);
  t.deepEqual(seen.toSorted(), ['', ' ', '5 payment x', 'a\nb', '🚂'].toSorted());
});

test('a cursor that this list did not give is refused', (t) => {
  for (const cursor of ['', 'x', '5', '5 payment', '-1 payment x', '1e3 payment x'])
    t.throws(() => parkedPage([item(1, 'a')], 1, cursor), { message: /cursor/ }, cursor);
});
