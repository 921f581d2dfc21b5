/** The clocks against histories: whether one event can have influenced another is found there by walking from message to message. */
import test from 'ava';
import fc from 'fast-check';
import { compare, covers, merge, tick, type VectorClock } from '#shared/vector-clock.ts';

const NAMES = ['verification', 'fraud', 'suggestions'] as const;

/** What happens next: an event of one participant, or one that hears of any earlier event. */
const happening = fc.record({ who: fc.constantFrom(...NAMES), hears: fc.option(fc.nat(), { nil: undefined }) });

interface Happened {
  readonly clock: VectorClock;
  /** Numbers of the events that it directly follows. */
  readonly follows: readonly number[];
}

function played(happenings: readonly { readonly who: string; readonly hears: number | undefined }[]): Happened[] {
  const events: (Happened & { readonly who: string })[] = [];
  for (const { who, hears } of happenings) {
    const own = events.findLastIndex((event) => event.who === who);
    const heard = hears === undefined || events.length === 0 ? -1 : hears % events.length;
    const follows = [own, heard].filter((number) => number >= 0);
    const known = follows.map((number) => events[number]!.clock).reduce(merge, {});
    events.push({ who, clock: tick(known, who), follows });
  }
  return events;
}

/** Every event that can have influenced this one, by walking back; knows nothing of clocks. */
function causesOf(events: readonly Happened[], number: number): ReadonlySet<number> {
  const causes = new Set<number>();
  const open = [...events[number]!.follows];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (causes.has(next)) continue;
    causes.add(next);
    open.push(...events[next]!.follows);
  }
  return causes;
}

test('the clocks order events exactly as messages and participants do', (t) => {
  fc.assert(
    fc.property(fc.array(happening, { minLength: 1, maxLength: 14 }), (happenings) => {
      const events = played(happenings);
      const causes = events.map((_, number) => causesOf(events, number));
      for (const [a, { clock }] of events.entries())
        for (const [b, other] of events.entries()) {
          const expected =
            a === b ? 'equal' : causes[b]!.has(a) ? 'before' : causes[a]!.has(b) ? 'after' : 'concurrent';
          if (compare(clock, other.clock) !== expected) return false;
        }
      return true;
    }),
    { numRuns: 400 },
  );
  t.pass();
});

const clock = fc.dictionary(fc.constantFrom(...NAMES), fc.nat(5));
/** As dense vectors, where absent and zero are the same. */
const dense = (one: VectorClock): readonly number[] => NAMES.map((name) => one[name] ?? 0);

test('a merge is the smallest clock that covers both, and what is absent counts as none', (t) => {
  fc.assert(
    fc.property(clock, clock, (a, b) => {
      const merged = merge(a, b);
      const largest = dense(a).map((count, place) => Math.max(count, dense(b)[place]!));
      const isLargest = dense(merged).every((count, place) => count === largest[place]);
      const within = dense(a).every((count, place) => count <= dense(b)[place]!);
      return (
        isLargest && covers(b, a) === within && (compare(a, b) === 'equal') === (String(dense(a)) === String(dense(b)))
      );
    }),
  );
  t.pass();
});

test('a name that every object has counts for nothing', (t) => {
  t.is(compare({}, tick({}, 'constructor')), 'before');
  t.deepEqual(tick({}, 'toString'), { toString: 1 });
});
