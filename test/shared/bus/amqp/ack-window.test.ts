import fc from 'fast-check';
import test from 'ava';
import { createAckWindow } from '#shared/bus/amqp/ack-window.ts';

test('what is done in order becomes one acknowledgement', (t) => {
  const window = createAckWindow();
  t.deepEqual(window.settle([1, 2, 3]), [{ tag: 3, multiple: true }]);
  t.deepEqual(window.settle([6, 5]), [
    { tag: 6, multiple: false },
    { tag: 5, multiple: false },
  ]);
  t.deepEqual(window.settle([4]), [{ tag: 4, multiple: false }]);
  t.deepEqual(window.settle([7]), [{ tag: 7, multiple: false }]);
  t.deepEqual(window.settle([7, 3, 1]), []);
});

/** What the broker does: a tag may be acknowledged once; an unknown one is an error that closes the channel. */
function brokerSide(delivered: number) {
  const open = new Set(Array.from({ length: delivered }, (_, index) => index + 1));
  return {
    open,
    acknowledge(tag: number, multiple: boolean): void {
      if (!open.has(tag)) throw new Error(`unknown delivery tag ${tag}`);
      for (const other of open) if (other === tag || (multiple && other < tag)) open.delete(other);
    },
  };
}

test('in whatever order and groups, exactly the settled tags are acknowledged, none twice', (t) => {
  const cases = fc.array(fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 12 }), { maxLength: 20 });
  fc.assert(
    fc.property(cases, (groups) => {
      const window = createAckWindow();
      const broker = brokerSide(40);
      const settled = new Set<number>();
      for (const group of groups) {
        for (const tag of group) settled.add(tag);
        for (const { tag, multiple } of window.settle(group)) broker.acknowledge(tag, multiple);
        for (let tag = 1; tag <= 40; tag += 1)
          if (broker.open.has(tag) === settled.has(tag)) throw new Error(`tag ${tag}`);
      }
    }),
    { numRuns: 500 },
  );
  t.pass();
});
