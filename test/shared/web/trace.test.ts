import test from 'ava';
import { traceOf } from '#shared/web/trace.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';

const clock = createVirtualClock();
const id = '0af7651916cd43dd8448eb211c80319c';
const parent = 'b7ad6b7169203331';

test('a caller’s trace goes on under a span of our own, with its flags', (t) => {
  for (const header of [`00-${id}-${parent}-01`, `01-${id}-${parent}-01-more`]) {
    const { traceId, traceparent } = traceOf(header, clock);
    t.is(traceId, id);
    t.regex(traceparent, new RegExp(`^00-${id}-(?!${parent})[0-9a-f]{16}-01$`));
  }
});

for (const header of [
  undefined,
  '',
  'x',
  `00-${id}-${parent}`,
  `00-${'0'.repeat(32)}-${parent}-01`,
  `00-${id}-${'0'.repeat(16)}-01`,
  `ff-${id}-${parent}-01`,
  `00-${id}-${parent}-01-x`,
  `00-${id.toUpperCase()}-${parent}-01`,
]) {
  test(`traceparent ${String(header)} starts a trace`, (t) => {
    const { traceId, traceparent } = traceOf(header, clock);
    t.regex(traceId, /^[0-9a-f]{32}$/);
    t.not(traceId, id);
    t.regex(traceparent, new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
    t.not(traceOf(header, clock).traceId, traceId);
  });
}
