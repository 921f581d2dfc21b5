/** What README's "Add a service" promises, kept by doing it: a service with an entity, an endpoint, a step and an audit rule. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { addToyService, copyProject } from './recipe.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const run = promisify(execFile);

const project = mkdtempSync(join(tmpdir(), 'switchyard-house-'));
copyProject(root, project);
const changed = addToyService(project);
test.after.always(() => rmSync(project, { recursive: true, force: true }));

/** One of the project's files, in the copy. */
async function ran(file: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run(process.execPath, ['--disable-warning=ExperimentalWarning', file, ...args], {
    cwd: project,
    timeout: 600_000,
  });
  return stdout;
}

test('it touches its own folder and four files: the list, compose, the steps and the versions', (t) => {
  t.deepEqual(
    changed.filter((file) => !file.startsWith('services/loyalty/')),
    [
      'services/services.ts',
      'services/saga/place-order.ts',
      'services/saga/place-order-versions.ts',
      'docker-compose.yml',
    ],
  );
});

test('README names what it touches', (t) => {
  const [, recipe = ''] =
    /\*\*Add a service\.\*\*(.*?)\n\n\*\*/s.exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? [];
  for (const file of changed) {
    const name = file.startsWith('services/loyalty/')
      ? file.replace('services/loyalty/', '').replace('loyalty.ts', 'entity')
      : file;
    t.true(recipe.includes(name), name);
  }
});

test.serial(
  'queues, rights, the archive, the API, the audit and the road of an order follow from the list',
  async (t) => {
    const seen = JSON.parse(await ran('test/house/seen.ts', 'loyalty')) as Record<string, unknown>;
    type Lists = Readonly<Record<'atTheGateway' | 'atTheConsole' | 'checks', readonly string[]>>;
    const { rights, atTheGateway, atTheConsole, checks, ...rest } = seen as Lists & { readonly rights: string };
    t.deepEqual(rest, {
      order: 'completed',
      state: 'cleared',
      processes: true,
      queues: 8,
      sagaMay: true,
      archived: true,
      audited: ['orders'],
    });
    t.true(new RegExp(rights).test('saga.hash') && new RegExp(rights).test('loyalty.dead'));
    t.false(new RegExp(rights).test('payment.in'));
    t.true(atTheGateway.includes('token GET /v1/loyalty-checks'));
    t.true(atTheConsole.includes('operator GET /v1/loyalty-checks'));
    t.true(checks.includes('loyalty'));
  },
);

test.serial('it compiles', async (t) => {
  await t.notThrowsAsync(run(join(project, 'node_modules/.bin/tsc'), [], { cwd: project, timeout: 600_000 }));
});

test.serial(
  'the tests that tell the road and list the endpoints follow, once the new version is in its snapshot',
  async (t) => {
    const files = readdirSync(join(project, 'test/services/saga')).filter((file) => file.endsWith('.test.ts'));
    const tests = [
      ...files.map((file) => `test/services/saga/${file}`),
      'test/services/gateway/access.test.ts',
      'test/services/gateway/openapi.test.ts',
    ];
    await ran('test/services/saga/versions.ts');
    t.regex(await ran('node_modules/.bin/ava', ...tests), /^\s*\d+ tests passed$/m);
  },
);

test.serial('fifty simulated seeds with everything that may go wrong break no invariant', async (t) => {
  t.regex(await ran('test/simulation/main.ts', '--seeds', '50'), /^violations: 0$/m);
});

test.serial('generated messages and requests find nothing', async (t) => {
  t.regex(await ran('test/fuzz/main.ts', '--messages', '2000', '--requests', '500'), /none lost/);
});
