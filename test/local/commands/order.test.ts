import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import test, { type ExecutionContext } from 'ava';

const at = '2026-01-02T03:04:05.000Z';

/** `npm run order` against an API that takes the order and tells these timelines, the last one for ever. */
async function orderOn(t: ExecutionContext, timelines: readonly object[]) {
  let asked = 0;
  const server = createServer((request, response) => {
    const isPlacing = request.method === 'POST';
    const timeline = timelines[Math.min(asked, timelines.length - 1)];
    if (!isPlacing) asked += 1;
    response.writeHead(isPlacing ? 202 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(isPlacing ? { id: 'order-1', total: { amount: 1299, currency: 'EUR' } } : timeline));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const dir = mkdtempSync(join(tmpdir(), 'order-'));
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
    rmSync(dir, { recursive: true });
  });
  const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  writeFileSync(join(dir, 'addresses.json'), JSON.stringify({ api, operatorToken: 'x', pid: process.pid }));
  return new Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }>((resolve) => {
    const env = { ...process.env, SWITCHYARD_DIR: dir };
    execFile(process.execPath, ['local/commands/order.ts'], { env, timeout: 90_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
    );
  });
}

const timeline = (state: string, more: object = {}) => ({
  state,
  milestones: [{ number: 1, title: 'The order exists', at }],
  steps: [],
  compensations: [],
  ...more,
});

test('an order that completes ends the command with 0', async (t) => {
  const { code, stdout } = await orderOn(t, [timeline('running'), timeline('completed')]);
  t.is(code, 0);
  t.regex(
    stdout,
    /Order order-1: 1 x book, 12\.99 EUR, for alice, paid with pm_ok\n {3}1 {2}The order exists .*\nOrder completed/s,
  );
  t.false(stdout.includes('\u001B'));
});

for (const state of ['failed', 'cancelled'])
  test(`an order that ends ${state} ends the command with 1`, async (t) => {
    const failure = { reason: 'declined', step: 'payment' };
    const { code, stdout } = await orderOn(t, [timeline(state, { failure })]);
    t.is(code, 1);
    t.regex(stdout, new RegExp(`turned back at payment: declined\nOrder ${state} after`));
  });

test('what an order waits for is told with how long it waits and why', async (t) => {
  const waitingFor = { step: 'payment', message: 'payment.create', attempt: 1, reason: 'parked since 03:04:05' };
  const waiting = Array.from({ length: 110 }, () => timeline('running', { waitingFor }));
  const { code, stdout } = await orderOn(t, [...waiting, timeline('completed')]);
  t.is(code, 0);
  t.regex(
    stdout,
    / {6}\d s {2}running, waiting for the answer to payment\.create \(payment\): parked since 03:04:05\n/,
  );
  const told = stdout.split('waiting for').length - 1;
  t.true(told >= 1 && told <= 6, `${told} times, not at every one of 110 looks`);
});
