import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'ava';

const common = { AMQP_URL: 'amqp://127.0.0.1:1/none', MONGO_URL: 'mongodb://127.0.0.1:1/none', LOG_LEVEL: 'silent' };

async function run(environments: object, signal?: NodeJS.Signals): Promise<{ code: unknown; said: string }> {
  const child = spawn(process.execPath, ['local/stack/one-process.ts'], {
    env: { SERVICE_ENVIRONMENTS: JSON.stringify(environments) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  let told = false;
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
  child.stdout.on('data', (chunk: Buffer) => {
    if (signal === undefined || told || !/MongoDB is not there/.test(chunk.toString('utf8'))) return;
    told = true; // a second signal would end it at once
    child.kill(signal);
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return { code, said };
}

test('services with a configuration that must not run end the process with 78, each of them named', async (t) => {
  const wrong = { order: common, wallet: { ...common, MESSAGE_TTL_MS: 'soon' }, payment: common };
  const { code, said } = await run(wrong);
  t.is(code, 78);
  t.regex(said, /^payment: configuration refused:\n {2}- PROVIDER_URL/m);
  t.regex(said, /^wallet: configuration refused:\n {2}- MESSAGE_TTL_MS/m);
});

test('told to stop while it still waits for broker and database, the process ends cleanly', async (t) => {
  const waiting = { ...common, LOG_LEVEL: 'warn', HTTP_PORT: '0' };
  const { code, said } = await run({ order: waiting, wallet: waiting }, 'SIGTERM');
  t.is(said, '');
  t.is(code, 0);
});
