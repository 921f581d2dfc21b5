import test from 'ava';
import { createOutage } from '#shared/bus/amqp/outage.ts';
import type { Log } from '#shared/log.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';

function world() {
  const clock = createVirtualClock();
  const lines: string[] = [];
  const line =
    (level: string) =>
    (text: string, fields?: object): void =>
      void lines.push(`${level} ${text} ${JSON.stringify(fields)}`);
  const log: Log = { debug() {}, info: line('info'), warn: line('warn'), error: line('error'), with: () => log };
  const outage = createOutage(['publish', 'consume'], { clock, log });
  const connect = (): void => {
    outage.up('publish');
    outage.up('consume');
  };
  return { clock, lines, outage, connect };
}

test('a service that finds the broker says so once', (t) => {
  const { lines, connect } = world();
  connect();
  t.deepEqual(lines, ['info connected to the broker {}']);
});

test('an outage is one line when it begins and one when it ends, however often it is tried', async (t) => {
  const { clock, lines, outage, connect } = world();
  connect();
  lines.length = 0;
  for (let tries = 0; tries < 50; tries += 1) {
    outage.away('publish', new Error(tries === 0 ? 'read ECONNRESET' : 'connect ECONNREFUSED'));
    outage.away('consume', new Error('connect ECONNREFUSED'));
    await clock.advance(1000);
  }
  outage.up('consume');
  t.deepEqual(lines, ['warn lost the broker; still trying to reach it {"reason":"read ECONNRESET"}']);
  outage.up('publish');
  t.deepEqual(lines.slice(1), ['info reached the broker again {"awayMs":50000}']);
  outage.away('publish', new Error('again'));
  await clock.advance(1000);
  t.is(lines.length, 3, 'the next outage is told again');
});

test('a connection that is back at once is one line', async (t) => {
  const { clock, lines, outage, connect } = world();
  connect();
  outage.away('publish', new Error('read ECONNRESET'));
  await clock.advance(200);
  outage.up('publish');
  await clock.advance(10_000);
  t.deepEqual(lines.slice(1), ['info lost the broker for a moment {"awayMs":200}']);
});

test('a broker that is not there at the start is told of as that', async (t) => {
  const { clock, lines, outage, connect } = world();
  outage.away('publish', new Error('connect ECONNREFUSED'));
  await clock.advance(5000);
  connect();
  t.deepEqual(lines, [
    'warn the broker is not there yet; still trying {"reason":"connect ECONNREFUSED"}',
    'info connected to the broker {"waitedMs":5000}',
  ]);
});

test('a broker that refuses the service is told of at once, also in the middle of an outage', async (t) => {
  const { clock, lines, outage } = world();
  const refusal = new Error('Handshake terminated by server: 403 (ACCESS-REFUSED) with message "Login was refused"');
  outage.away('publish', new Error('connect ECONNREFUSED'));
  await clock.advance(5000);
  outage.away('publish', refusal);
  outage.away('consume', refusal);
  t.is(lines.length, 2);
  t.regex(lines[1] ?? '', /^error the broker refuses this service; still trying .*ACCESS-REFUSED/);
});

test('a service that stops says nothing more', async (t) => {
  const { clock, lines, outage, connect } = world();
  connect();
  outage.away('publish', 'closed');
  outage.close();
  outage.away('consume', 'closed');
  await clock.advance(10_000);
  t.is(lines.length, 1);
});
