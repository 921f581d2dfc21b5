import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';

const FILE = 'services/pricing/strategies/fraction-from.js';
const version = 'a'.repeat(40);

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly body: unknown;
}

/** `npm run strategy` with these words against an API that answers so. */
async function strategyOn(t: ExecutionContext, words: readonly string[], status: number, ...bodies: readonly object[]) {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    void text(request).then((sent) => {
      const body = bodies[Math.min(asked.length, bodies.length - 1)];
      asked.push({ method: request.method!, url: request.url!, body: sent === '' ? undefined : JSON.parse(sent) });
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const args = ['local/commands/strategy.ts', ...words, '--api', api, '--token', 'x'];
  return new Promise<{
    readonly code: number;
    readonly stdout: string;
    readonly stderr: string;
    readonly asked: Asked[];
  }>((resolve) => {
    execFile(process.execPath, args, { timeout: 90_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr, asked }),
    );
  });
}

test('put uploads the file under its name, in one supermarket', async (t) => {
  const answer = { sku: 'CF1', supermarket: 'north', name: 'fraction-from', version, warnings: ['it is slow'] };
  const { code, stdout, asked } = await strategyOn(t, ['put', 'CF1', FILE, '--supermarket', 'north'], 201, answer);
  t.is(code, 0);
  t.is(stdout, `CF1 is priced by fraction-from, version ${version}\n  beware: it is slow\n`);
  t.like(asked[0], { method: 'PUT', url: '/v1/pricing/strategies/CF1?supermarket=north' });
  t.like(asked[0]?.body, { name: 'fraction-from' });
});

test('what is refused names the line of the file', async (t) => {
  const refusal = { detail: 'Unexpected token', line: 2, column: 20 };
  const { code, stderr } = await strategyOn(t, ['put', 'CF1', FILE], 422, refusal);
  t.is(code, 1);
  t.is(stderr, `${FILE}:2:20: Unexpected token\n`);
});

test('try shows the amount of each line and warns', async (t) => {
  const tried = { version, amounts: [2246], microseconds: [2.1], warnings: ['it is slow'] };
  const { code, stdout, asked } = await strategyOn(t, ['try', 'CF1', '--case', '3x1123'], 200, tried);
  t.is(code, 0);
  t.is(stdout, `version ${version}\n  3 at 1123: 2246  (2.1 microseconds)\n  beware: it is slow\n`);
  t.deepEqual(asked, [
    { method: 'POST', url: '/v1/pricing/strategies/CF1/try', body: { cases: [{ quantity: 3, price: 1123 }] } },
  ]);
});

test('list shows all pages, what is active and what was', async (t) => {
  const [since, by] = ['2026-01-02T03:04:05.000Z', 'root'];
  const versions = [
    { name: 'plain', version: 'plain', isActive: true, since, by },
    { name: 'one', version, isActive: false, since, by },
  ];
  const first = { items: [{ sku: 'CF1', versions }], nextCursor: 'next' };
  const { stdout, asked } = await strategyOn(t, ['list'], 200, first, {
    items: [{ sku: 'GR1', supermarket: 'north', versions: [] }],
  });
  t.is(
    stdout,
    `CF1\n  active  plain  plain  since ${since} by root\n  former  ${version}  one  since ${since} by root\nGR1 in north\n`,
  );
  t.deepEqual(
    asked.map(({ url }) => url),
    ['/v1/pricing/strategies', '/v1/pricing/strategies?cursor=next'],
  );
});

test('activate rolls back to a version', async (t) => {
  const { code, stdout, asked } = await strategyOn(t, ['activate', 'CF1', version], 200, {
    sku: 'CF1',
    name: 'one',
    version,
  });
  t.is(code, 0);
  t.is(stdout, `CF1 is priced by one, version ${version}\n`);
  t.deepEqual(asked, [{ method: 'POST', url: '/v1/pricing/strategies/CF1/activate', body: { version } }]);
});

test('what is missing or misspelled is said before anything is asked', async (t) => {
  for (const [words, said] of [
    [['put', 'CF1'], /which file/],
    [['put', 'CF1', 'no-such-file.js'], /cannot be read/],
    [['activate', 'CF1'], /which version/],
    [['try', 'CF1', '--case', 'three'], /as 3x311/],
    [['swap'], /there are list, put, try, activate/],
  ] as const) {
    const { code, stderr, asked } = await strategyOn(t, words, 200, {});
    t.is(code, 1);
    t.regex(stderr, said);
    t.deepEqual(asked, []);
  }
});
