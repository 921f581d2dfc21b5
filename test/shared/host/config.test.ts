import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { z } from 'zod';
import { readConfig } from '#shared/host/config.ts';
import { entityVariables, processVariables, workerRules } from '#shared/host/variables.ts';
import { ConfigError } from '#shared/errors.ts';

const variables = { ...processVariables, ...entityVariables };

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
  const { GATE_POLICIES: _, ...shape } = variables;
  const names = Object.keys(shape);
  const environment = Object.fromEntries(names.map((name) => [name, secret]));
  const error = t.throws(() => readConfig(shape, environment), { instanceOf: ConfigError });
  for (const name of ['AMQP_URL', 'MONGO_URL', 'HTTP_PORT', 'LOG_LEVEL', 'WORKER_ID'])
    t.true(error.message.includes(`${name}: `), name);
  t.false(error.message.includes('hunter2'), error.message);
});

function problemsOf(environment: Record<string, string>): readonly string[] {
  const urls = { AMQP_URL: 'amqp://127.0.0.1/x', MONGO_URL: 'mongodb://127.0.0.1/x' };
  try {
    readConfig(variables, { ...urls, ...environment }, workerRules);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

test('values that are wrong and times that contradict each other are told together', (t) => {
  const problems = problemsOf({ LOG_LEVEL: 'loud', WORKER_HEARTBEAT_MS: '4000' });
  t.is(problems.length, 2, problems.join('\n'));
  t.regex(problems[0]!, /^LOG_LEVEL: /);
  t.regex(problems[1]!, /^WORKER_DEAD_AFTER_MS must be/);
  t.deepEqual(problemsOf({}), []);
});

test('of times that cannot be read nothing else is said', (t) => {
  const problems = problemsOf({ WORKER_DEAD_AFTER_MS: 'soon', WORKER_HEARTBEAT_MS: '4000' });
  t.is(problems.length, 1, problems.join('\n'));
  t.regex(problems[0]!, /^WORKER_DEAD_AFTER_MS: /);
});

test('what is missing is called missing, and a file that cannot be read is told once', (t) => {
  const shape = { AMQP_URL: variables.AMQP_URL, MONGO_URL: variables.MONGO_URL, PORT: z.coerce.number() };
  const { problems } = t.throws(() => readConfig(shape, { MONGO_URL_FILE: '/nowhere', PORT: 'x' }), {
    instanceOf: ConfigError,
  });
  t.is(problems.length, 3, problems.join('\n'));
  t.is(problems[0], 'AMQP_URL is missing');
  t.regex(problems[1]!, /^MONGO_URL_FILE: .*ENOENT/);
  t.regex(problems[2]!, /^PORT: /);
});
