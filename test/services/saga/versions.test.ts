/** What each version of the road sends. A version is never changed once an order ran under it: a change is a new version. */
import test from 'ava';
import { FILE, sentBy, written } from './versions.ts';
import { definitions } from '#services/saga/place-order-versions.ts';
import { labelOf } from '#shared/saga/definition.ts';

for (const definition of definitions) {
  const label = labelOf(definition);
  test(`${label} is what it was when orders began under it`, (t) => {
    const lines = sentBy(definition);
    const found = written()[label];
    if (JSON.stringify(found) === JSON.stringify(lines)) return t.pass();
    return found === undefined
      ? t.fail(`${label} is new: \`node test/services/saga/versions.ts\` writes it into ${FILE}`)
      : t.fail(
          `${label} is not what it was. Orders that began under it go on under it, so leave it as ${FILE} has it and write the ` +
            `change as a new version in services/saga/place-order-versions.ts (a step that changed is another one: what it was ` +
            `goes to retired-steps.ts). If no order ever began under it, correct the file.\n` +
            `it was ${JSON.stringify(found, undefined, 2)}\nit is ${JSON.stringify(lines, undefined, 2)}`,
        );
  });
}

test('every version that is written down can be run, the newest first', (t) => {
  t.deepEqual(definitions.map(labelOf), Object.keys(written()));
});
