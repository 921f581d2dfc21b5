/** A client that a generator makes from the OpenAPI document: it compiles, refuses wrong calls, and works. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import generator from 'openapi-typescript-codegen';
import { keys, startWorld } from './world.ts';
import { signToken } from '#shared/web/tokens.ts';

const tsc = new URL('../../../node_modules/typescript/bin/tsc', import.meta.url).pathname;

/** What somebody writes who has the client and its types. */
const program = `
import { Switchyard } from './client';

export async function order(base: string, token: string) {
  const { orders } = new Switchyard({ BASE: base, TOKEN: token });
  const items = [{ sku: 'book', quantity: 2, unitPrice: { amount: 1299, currency: 'EUR' as const } }];
  const requestBody = { customerId: 'alice', email: 'alice@example.org', items };
  const placed = await orders.placeOrder({ requestBody, idempotencyKey: 'k1' });
  const status: 'pending' | 'paid' | 'completed' | 'failed' | 'cancelled' = placed.status;
  const total: number = placed.total.amount;
  return { id: placed.id, status, total };
}

export function wrong({ orders, wallets }: Switchyard): unknown[] {
  return [
    // @ts-expect-error an order has items
    orders.placeOrder({ requestBody: { customerId: 'alice', email: 'alice@example.org' } }),
    // @ts-expect-error there is no such currency
    wallets.topUp({ customerId: 'alice', requestBody: { amount: 1, currency: 'XXX' } }),
    // @ts-expect-error whose wallet?
    wallets.getWallet({}),
  ];
}
`;

interface Program {
  order(base: string, token: string): Promise<object>;
}

test('the client has a method with types for every operation, and an order is placed with it', async (t) => {
  const world = await startWorld();
  t.teardown(world.stop);
  const { body } = await world.call('GET', '/openapi.json');
  const dir = mkdtempSync(join(tmpdir(), 'openapi-client-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const output = join(dir, 'client');
  const wanted = { httpClient: 'fetch', clientName: 'Switchyard', useOptions: true, useUnionTypes: true } as const;
  await generator.generate({ ...wanted, input: structuredClone(body), output });
  writeFileSync(join(dir, 'program.ts'), program);
  writeFileSync(join(dir, 'package.json'), '{"type": "commonjs"}');
  const common = ['--ignoreConfig', '--strict', '--target', 'es2022', '--lib', 'es2022,dom', '--types', ''];
  const emit = ['--module', 'commonjs', '--outDir', join(dir, 'js')];
  await t.notThrowsAsync(
    promisify(execFile)(process.execPath, [tsc, ...common, ...emit, join(dir, 'program.ts')], { cwd: dir }),
  );

  const paths = body['paths'] as Readonly<
    Record<string, Readonly<Record<string, { tags: [string]; operationId: string }>>>
  >;
  const operations = Object.values(paths).flatMap((methods) => Object.values(methods));
  t.true(operations.length > 15);
  for (const { tags, operationId } of operations) {
    const file = join(
      output,
      'services',
      `${tags[0].replaceAll(/ (\w)/g, (_, letter: string) => letter.toUpperCase())}Service.ts`,
    );
    t.regex(
      readFileSync(file, 'utf8'),
      new RegExp(`public ${operationId}\\([^]*?\\): CancelablePromise<(?!any>)`),
      operationId,
    );
  }

  const { order } = createRequire(import.meta.url)(join(dir, 'js', 'program.js')) as Program;
  const token = await signToken({ subject: 'alice', role: 'customer', expiresInS: 60 }, keys);
  t.like(await order(world.url, token), { status: 'pending', total: 2598 });
});
