// The way in on a machine with nothing but Node 20 and npm: installs the packages when they are missing or are not the
// ones of package-lock.json, then runs the given .ts file with the Node 24 that came with them. Plain JavaScript.
//
//   node local/launch.mjs --install            packages only
//   node local/launch.mjs local/commands/start.ts ...   packages, then the file with its arguments
import { spawn } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const node24 = join(root, 'node_modules', '.bin', 'node');
const own = join(root, '.switchyard');
const lockDir = join(own, 'install.lock');
// npm begins with removing what is there: it works in a folder of its own, so that what is cut off leaves everything as it was.
const STAGES = 'install-';
const stage = join(own, `${STAGES}${process.pid}`);
// npm's cache and logs would be the only things written outside the project.
const npmCache = join(stage, 'cache');
const say = (text) => process.stderr.write(`${text}\n`);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

if (Number(process.versions.node.split('.')[0]) < 20) {
  say(
    `Switchyard needs Node 20 or newer to set itself up (this is ${process.version}); install it from https://nodejs.org and run the command again.`,
  );
  process.exit(1);
}

if (!installed()) await install();
const [file, ...args] = process.argv.slice(2);
if (file !== '--install') await run(file, args);

/** True when node_modules holds what package-lock.json says. Packages of other platforms may be missing. */
function installed() {
  const wanted = packages('package-lock.json');
  const present = packages(join('node_modules', '.package-lock.json'));
  if (!wanted || !present || !existsSync(node24)) return false;
  return Object.entries(wanted).every(
    ([path, entry]) => path === '' || entry.optional || entry.version === present[path]?.version,
  );
}

function packages(name) {
  try {
    return JSON.parse(readFileSync(join(root, name), 'utf8')).packages;
  } catch {
    return undefined;
  }
}

async function install() {
  await lock();
  try {
    if (installed()) return;
    const started = Date.now();
    say('Installing packages (only the first time, about a minute) ...');
    const ticking = setInterval(() => say(`  still installing, ${seconds(started)} s`), 15_000);
    const { code, output } = await npmCi().finally(() => clearInterval(ticking));
    if (code === 0) putInPlace();
    removeStages();
    if (code === 0 && installed()) {
      say(`Packages installed in ${seconds(started)} s.`);
      return;
    }
    say(output.trim());
    say(
      code === 0
        ? 'npm ci ended well but node_modules is not what package-lock.json says.'
        : `npm ci failed with code ${code}; its output is above.`,
    );
    rmSync(lockDir, { recursive: true, force: true });
    process.exit(1);
  } finally {
    rmSync(lockDir, { recursive: true, force: true });
  }
}

/** What was left by a start that was cut off, too. What cannot be removed, because its npm still writes, is removed another time. */
function removeStages() {
  for (const name of readdirSync(own).filter((one) => one.startsWith(STAGES))) {
    try {
      rmSync(join(own, name), { recursive: true, force: true });
    } catch {
      // another time
    }
  }
}

/** The new packages take the place of the old ones. A node_modules that cannot be renamed, such as a volume, gets them one by one. */
function putInPlace() {
  const [place, fresh, old] = [join(root, 'node_modules'), join(stage, 'node_modules'), join(stage, 'old')];
  try {
    if (existsSync(place)) renameSync(place, old);
    renameSync(fresh, place);
  } catch {
    mkdirSync(place, { recursive: true });
    for (const name of readdirSync(place)) rmSync(join(place, name), { recursive: true, force: true });
    cpSync(fresh, place, { recursive: true, verbatimSymlinks: true });
  }
}

function npmCi() {
  removeStages();
  mkdirSync(stage, { recursive: true, mode: 0o700 });
  for (const name of ['package.json', 'package-lock.json', '.npmrc'])
    if (existsSync(join(root, name))) copyFileSync(join(root, name), join(stage, name));
  const npm = process.env['npm_execpath'];
  const args = [
    'ci',
    '--prefix',
    stage,
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    '--no-progress',
    '--cache',
    npmCache,
  ];
  const child = npm?.endsWith('.js')
    ? spawn(process.execPath, [npm, ...args], { cwd: stage, stdio: ['ignore', 'pipe', 'pipe'] })
    : spawn('npm', args, { cwd: stage, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (data) => (output += data));
  child.stderr.on('data', (data) => (output += data));
  return new Promise((resolve) => {
    child.on('error', (error) => resolve({ code: 1, output: `npm could not be run: ${error.message}` }));
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

/** One installation at a time; the lock of a process that is gone, or that never said who it is, does not count. */
async function lock() {
  mkdirSync(dirname(lockDir), { recursive: true, mode: 0o700 });
  for (let told = false; ;) {
    try {
      mkdirSync(lockDir);
      writeFileSync(join(lockDir, 'pid'), String(process.pid));
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (stale()) {
      rmSync(lockDir, { recursive: true, force: true });
      continue;
    }
    if (!told) say('Another start is installing the packages; waiting for it ...');
    told = true;
    await sleep(300);
  }
}

function stale() {
  try {
    const pid = Number(readFileSync(join(lockDir, 'pid'), 'utf8'));
    if (pid > 0) return !alive(pid);
  } catch {
    // no pid yet: judged by age
  }
  try {
    return Date.now() - statSync(lockDir).mtimeMs > 5000;
  } catch {
    return false;
  }
}

function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function seconds(started) {
  return Math.round((Date.now() - started) / 1000);
}

/** Runs it as if it were this process: same terminal, same signals, same exit code. It also learns of our death: its IPC channel closes. */
async function run(name, args) {
  const child = spawn(node24, ['--disable-warning=ExperimentalWarning', join(root, name), ...args], {
    cwd: root,
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  const watching = watchNpm(() => child.kill('SIGTERM'));
  child.on('error', (error) => {
    say(`${node24} could not be run: ${error.message}`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    clearInterval(watching);
    if (!signal) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

/** Calls `gone` when the npm that runs this script was killed: nobody could end us with Ctrl-C any more. */
function watchNpm(gone) {
  if (!process.env['npm_lifecycle_event']) return undefined;
  const ancestors = () => {
    try {
      const stat = readFileSync(`/proc/${process.ppid}/stat`, 'utf8');
      const shell = /\((sh|dash|bash|ash)\)/.test(stat);
      return `${process.ppid} ${shell ? stat.slice(stat.lastIndexOf(')')).split(' ')[2] : ''}`;
    } catch {
      return String(process.ppid);
    }
  };
  const first = ancestors();
  const timer = setInterval(() => {
    if (ancestors() === first) return;
    clearInterval(timer);
    gone();
  }, 500);
  timer.unref();
  return timer;
}
