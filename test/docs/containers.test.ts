/** What can be told of the containers without an engine to run them. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import test from 'ava';
import { brokerUsers } from '#services/services.ts';

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

test('provisioning is given the password of every broker user, the one that its service connects with, and no other', (t) => {
  const passwords = [...compose.matchAll(/^ {6}([A-Z_]+_BROKER_PASSWORD): \$\{\1:-([^}]+)\}$/gm)].map(
    ([, name, usual]) => [name, usual],
  );
  const nameOf = (user: string): string => `${user.toUpperCase().replaceAll('-', '_')}_BROKER_PASSWORD`;
  t.deepEqual(passwords.map(([name]) => name).toSorted(), brokerUsers.map(nameOf).toSorted());
  const known = new Map(passwords.map(([name, usual]) => [name, usual]));
  const urls = [...compose.matchAll(/amqp:\/\/switchyard\.([a-z-]+):\$\{([A-Z_]+):-([^}]+)\}/g)];
  t.true(urls.length >= 9);
  for (const [, user = '', name, usual] of urls) {
    t.is(name, nameOf(user));
    t.is(usual, known.get(name), user);
  }
});
