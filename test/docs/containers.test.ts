/** What can be told of the containers without an engine to run them. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import test from 'ava';

const root = new URL('../../', import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, root), 'utf8');
const dockerfile = read('Dockerfile').split('\n');
const compose = read('docker-compose.yml');

test('the image runs as a plain user, and brings no secret and no development package', (t) => {
  const users = dockerfile.filter((line) => line.startsWith('USER '));
  t.deepEqual(users, ['USER node'], 'uid 1000 of the official image');
  const last = (start: string): number => dockerfile.findLastIndex((line) => line.startsWith(start));
  t.true(last('USER ') > last('RUN ') && last('USER ') < last('ENTRYPOINT '), 'what the user runs it cannot change');
  t.true(dockerfile.some((line) => line.includes('npm ci --omit=dev --ignore-scripts')));
  t.notRegex(dockerfile.join('\n'), /(ENV|ARG) .*(PASSWORD|SECRET|KEY)/i);
});

test('all that the image is made of is let into the build, and nothing else', (t) => {
  const allowed = read('.dockerignore')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1));
  const copied = dockerfile
    .filter((line) => line.startsWith('COPY '))
    .flatMap((line) => line.split(/\s+/).slice(1, -1))
    .map((path) => path.replace(/\/$/, ''));
  t.true(copied.length > 5);
  t.deepEqual(copied.toSorted(), allowed.toSorted());
  for (const path of copied) t.true(existsSync(new URL(path, root)), path);
});

test('what runs in the image imports nothing that is not in it', (t) => {
  const sources = dockerfile
    .filter((line) => line.startsWith('COPY '))
    .flatMap((line) => line.split(/\s+/).slice(1, -1))
    .filter((path) => !path.startsWith('package') && !path.startsWith('.'));
  const cwd = new URL('.', root).pathname;
  const files = sources.flatMap((path) => (path.endsWith('.ts') ? [path] : globSync(`${path}/**/*.ts`, { cwd })));
  t.true(files.length > 100);
  for (const file of files)
    for (const [, name = ''] of read(file).matchAll(/from '#([^']+)'/g))
      t.true(files.includes(name), `${file} imports ${name}`);
});

test('every container of ours is read-only, without rights, as the image’s user; only loopback reaches the ports', (t) => {
  const image = /^x-image: &image\n((?: {2}.*\n)+)/m.exec(compose)?.[1] ?? '';
  for (const line of ['read_only: true', 'cap_drop: [ALL]', 'no-new-privileges:true', 'tmpfs: [/tmp]'])
    t.true(image.includes(line), line);
  t.notRegex(compose, /^\s*(user|privileged|cap_add|network_mode|pid):/m);
  const services = [...compose.matchAll(/services\/([\w-]+)\/main\.ts/g)].map(([, name]) => name);
  t.deepEqual(
    services.toSorted(),
    globSync('services/*/main.ts', { cwd: root.pathname })
      .map((path) => path.split('/')[1])
      .toSorted(),
  );
  for (const [, port = ''] of compose.matchAll(/"([\d.:]+:\d+)"/g)) t.true(port.startsWith('127.0.0.1:'), port);
});

test('the image is built once and never looked for elsewhere', (t) => {
  t.is(compose.match(/^\s*build:/gm)?.length, 1);
  t.regex(compose, /^ {2}provision:\n {4}<<: \*image\n {4}build: \.$/m, 'every service of ours waits for it');
  t.regex(compose, /^ {2}pull_policy: never/m);
});

test('whatever keeps running says whether it is healthy, and has the time to stop', (t) => {
  const services = compose.slice(compose.indexOf('\nservices:\n'), compose.indexOf('\nvolumes:\n'));
  const withoutCheck = services.split(/^ {2}(?=[\w-]+:)/m).filter((service) => service.includes('disable: true'));
  t.deepEqual(
    withoutCheck.map((service) => service.split(':')[0]),
    ['provision', 'migrate'],
    'they end; `up --wait` refuses anything else',
  );
  t.is(compose.match(/stop_grace_period: /g)?.length, 3, 'services, brokers, database');
  t.notRegex(
    compose,
    /test: .*rabbitmq-diagnostics/,
    'as root it may make the cookie of the node, which cannot read it then',
  );
});

test('a service is one line: it connects as its own user, with the password that provisioning reads or else gives it', (t) => {
  const lines = compose.split('\n').filter((line) => /services\/[\w-]+\/main\.ts/.test(line));
  for (const line of lines) {
    const [, name = ''] = /services\/([\w-]+)\/main\.ts/.exec(line) ?? [];
    t.is(/^ {2}([\w-]+): /.exec(line)?.[1], name);
    const variable = `${name.toUpperCase().replaceAll('-', '_')}_BROKER_PASSWORD`;
    t.true(line.includes(`"amqp://switchyard.${name}:\${${variable}:-${name}}@brokers/switchyard"`), line);
    t.is(compose.split(variable).length, 2, `${variable} stands nowhere else`);
    t.is(line.trimEnd().at(-1), '}', 'the line is all of it');
  }
  const [, provisioning = ''] = /^ {2}provision:\n((?: {4}.*\n)+)/m.exec(compose) ?? [];
  t.true(provisioning.includes('env_file: [{ path: .env, required: false }]'));
  t.true(provisioning.includes('BROKER_PASSWORDS: ${BROKER_PASSWORDS:-names}'));
});
