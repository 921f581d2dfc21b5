import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { z } from 'zod';
import { commonConfig, readConfig } from '#shared/config.ts';
import { ConfigError } from '#shared/errors.ts';

test('every variable can be given as a file, which counts more than the variable itself', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'config-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const file = join(dir, 'keys');
  writeFileSync(file, 'from the file\n');
  const shape = { KEYS: z.string(), OTHER: z.string().default('standard') };
  t.deepEqual(readConfig(shape, { KEYS_FILE: file, KEYS: 'from the variable' }), {
    KEYS: 'from the file',
    OTHER: 'standard',
  });
  t.true(Object.isFrozen(readConfig(shape, { KEYS: 'x' })));
  const error = t.throws(() => readConfig(shape, { KEYS_FILE: join(dir, 'none'), KEYS: 'from the variable' }), {
    instanceOf: ConfigError,
  });
  t.regex(error.message, /KEYS_FILE: .*ENOENT/);
});

test('what is wrong is named, all of it, but never shown: it may be a secret', (t) => {
  const secret = 'hunter2@:/';
  const { GATE_POLICIES: _, ...shape } = commonConfig;
  const names = Object.keys(shape);
  const environment = Object.fromEntries(names.map((name) => [name, secret]));
  const error = t.throws(() => readConfig(shape, environment), { instanceOf: ConfigError });
  for (const name of ['AMQP_URL', 'MONGO_URL', 'HTTP_PORT', 'LOG_LEVEL', 'WORKER_ID'])
    t.true(error.message.includes(`${name}: `), name);
  t.false(error.message.includes('hunter2'), error.message);
});
