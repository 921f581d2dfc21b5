import { routeTable, system } from '#services/services.ts';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { service } from '#services/gateway/service.ts';
import { parseTokenKeys, signToken } from '#shared/web/tokens.ts';
import { ConfigError } from '#shared/errors.ts';
import { silentLog as log } from '#shared/log.ts';

test('the process takes its rate limits from the environment and its keys from a file; without broker and database too', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'gateway-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const [newer, older] = [`new:${'1'.repeat(32)}`, `old:${'2'.repeat(32)}`];
  const file = join(dir, 'keys');
  writeFileSync(file, `${newer},${older}\n`);
  const running = await service.start(
    {
      AMQP_URL: 'amqp://nobody@127.0.0.1:1/none',
      MONGO_URL: 'mongodb://127.0.0.1:1/none',
      TOKEN_KEYS_FILE: file,
      RATE_LIMIT_PER_S: '0.01',
      RATE_LIMIT_BURST: '3',
      AUTH_FAILURES_PER_S: '0.1',
      AUTH_FAILURES_BURST: '2',
    },
    system,
    { log, exit: () => undefined },
  );
  t.teardown(() => running.stop());
  const tokenOf = (subject: string, key: string, role: 'customer' | 'operator' = 'customer') =>
    signToken({ subject, role, expiresInS: 600 }, parseTokenKeys(key));
  const ask = (token: string) => fetch(`${running.url}/v1/breakers`, { headers: { authorization: `Bearer ${token}` } });
  const statuses = async (token: string, times: number): Promise<readonly number[]> => {
    const all: number[] = [];
    for (let n = 0; n < times; n += 1) all.push((await ask(token)).status);
    return all;
  };
  const alice = await tokenOf('alice', newer);
  t.deepEqual(await statuses(alice, 4), [403, 403, 403, 429]);
  const waitS = Number((await ask(alice)).headers.get('retry-after'));
  t.true(waitS > 60 && waitS <= 100, String(waitS));
  t.deepEqual(await statuses(await tokenOf('bob', older), 1), [403], 'the older key as well');
  t.deepEqual(await statuses(await tokenOf('root', newer, 'operator'), 10), Array(10).fill(503), 'no breaker reports');
  t.deepEqual(await statuses(await tokenOf('eve', `new:${'3'.repeat(32)}`), 3), [401, 401, 429]);
});

test('a value, times and keys that are wrong are told in one go, without the secret', async (t) => {
  const environment = {
    AMQP_URL: 'amqp://127.0.0.1:1/none',
    MONGO_URL: 'mongodb://127.0.0.1:1/none',
    TOKEN_KEYS: 'k:short',
    HTTP_PORT: 'ninety',
    WORKER_DEAD_AFTER_MS: '1000',
  };
  const error = await t.throwsAsync(service.start(environment, system, { log, exit: () => undefined }), {
    instanceOf: ConfigError,
  });
  const text = error?.message ?? '';
  for (const problem of [/HTTP_PORT: /, /WORKER_DEAD_AFTER_MS must be/, /TOKEN_KEYS: the secret of k has 5 bytes/])
    t.regex(text, problem);
  t.false(text.includes('short'));
  t.is(t.throws(() => service.check(environment, routeTable), { instanceOf: ConfigError })?.message, text);
});
