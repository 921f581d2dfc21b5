import { execFile, spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { projectDir } from '#local/stack/own-process.ts';
import { untilTrue } from '#test/support/until.ts';

/** As `npm ci` does it, in its folder: removes what is there, then makes it anew; or, `HANG`, goes no further. */
const NPM = `
const { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } = require('node:fs');
rmSync('node_modules', { recursive: true, force: true });
writeFileSync('begun', '');
if (process.env.HANG) setInterval(() => {}, 1000);
else {
  mkdirSync('node_modules/.bin', { recursive: true });
  symlinkSync(process.execPath, 'node_modules/.bin/node');
  cpSync('package-lock.json', 'node_modules/.package-lock.json');
}`;

const lockOf = (version: string): string => JSON.stringify({ packages: { '': {}, 'node_modules/tea': { version } } });

/** A project whose packages are those of the version. */
function project(t: ExecutionContext) {
  const dir = mkdtempSync(join(tmpdir(), 'switchyard-launch-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }));
  mkdirSync(join(dir, 'local'));
  copyFileSync(join(projectDir, 'local/launch.mjs'), join(dir, 'local/launch.mjs'));
  writeFileSync(join(dir, 'package.json'), '{}');
  writeFileSync(join(dir, 'npm.js'), NPM);
  const env = { PATH: process.env['PATH'], npm_execpath: join(dir, 'npm.js') };
  const argv = [join(dir, 'local/launch.mjs'), '--install'];
  return {
    want: (version: string) => writeFileSync(join(dir, 'package-lock.json'), lockOf(version)),
    install: () =>
      new Promise<unknown>((resolve) => {
        execFile(process.execPath, argv, { env, timeout: 60_000 }, (error) => resolve(error?.code ?? 0));
      }),
    hang() {
      rmSync(join(dir, 'begun'), { force: true });
      return spawn(process.execPath, argv, { env: { ...env, HANG: '1' }, stdio: 'ignore', detached: true });
    },
    present: () => readFileSync(join(dir, 'node_modules/.package-lock.json'), 'utf8'),
    hasNode: () => existsSync(join(dir, 'node_modules/.bin/node')),
    /** npm has begun somewhere. */
    hasBegun: () => readdirSync(dir, { recursive: true }).some((name) => String(name).endsWith('begun')),
    left: () => readdirSync(join(dir, '.switchyard')),
  };
}

test('an installation that is cut off leaves the packages that were there, and the next start makes it whole', async (t) => {
  const it = project(t);
  it.want('1.0.0');
  t.is(await it.install(), 0);
  t.is(it.present(), lockOf('1.0.0'));

  it.want('2.0.0');
  const child = it.hang();
  await untilTrue(it.hasBegun);
  // The whole group, as the end of a terminal does it.
  process.kill(-(child.pid ?? 0), 'SIGKILL');
  await untilTrue(() => child.signalCode !== null);
  t.is(it.present(), lockOf('1.0.0'));
  t.true(it.hasNode());

  t.is(await it.install(), 0);
  t.is(it.present(), lockOf('2.0.0'));
  t.true(it.hasNode());
  t.deepEqual(it.left(), [], 'nothing is left of either');
});

test('packages that are what they should be are left alone', async (t) => {
  const it = project(t);
  it.want('1.0.0');
  t.is(await it.install(), 0);
  t.is(await it.install(), 0);
  t.false(it.hasBegun());
});
