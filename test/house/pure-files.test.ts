import { globSync, readFileSync } from 'node:fs';
import test from 'ava';
import { importsOf, reachedFrom } from './imports.ts';

/** Drivers, the clock, input and output. */
const IMPURE =
  /^(node:|mongoose|amqplib|amqp-connection-manager|koa|nodemailer|pino|prom-client|shared\/clock\.ts|shared\/host\/)/;
/** What makes an entity, and what calls itself a pure function. */
const PURE = /^export (function|const) \w+Entity\b|\bpure function\b/m;

/** Contracts, entities, sagas, and what calls itself a pure function. */
function pureFiles(): readonly string[] {
  const declared = globSync('{services,shared}/**/*.ts').filter((file) => PURE.test(readFileSync(file, 'utf8')));
  return [...new Set([...globSync('services/*/contract.ts'), ...globSync('shared/saga/*.ts'), ...declared])];
}

test('contracts, entities, sagas and pure functions lead to no driver, no clock and no input or output', (t) => {
  const roots = pureFiles();
  for (const file of [
    'services/order/order.ts',
    'services/saga/saga.ts',
    'shared/entity/verdict.ts',
    'shared/saga/advance.ts',
  ])
    t.true(roots.includes(file), file);
  const ways = [...reachedFrom(roots)].filter(([file]) => IMPURE.test(file)).map(([, way]) => way.join(' -> '));
  t.deepEqual(ways, []);
});

test('an import of types alone leads nowhere, any other one does', (t) => {
  t.true(importsOf('services/order/service.ts').includes('services/order/order.ts'));
  t.false(importsOf('shared/insist.ts').includes('shared/clock.ts'));
  t.true(importsOf('shared/insist.ts').includes('shared/backoff.ts'));
  t.true(reachedFrom(['services/order/service.ts']).has('mongoose'), 'what a service runs on is impure');
});
