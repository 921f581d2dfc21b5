/** I-21: what must stay secret is nowhere to be found after a run, however much is logged. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { brokerContents } from '#test/support/broker-contents.ts';
import { openDocuments } from '#test/support/documents.ts';
import { createShop, orderBody } from '#test/support/place.ts';
import { SHORT_TIMES, startStack, type TestStack } from '#test/support/stack.ts';
import { until } from '#test/support/until.ts';
import { brokerUsers } from '#services/services.ts';
import type { Secrets } from '#local/stack/secrets.ts';

const CARDS = ['4111111111111111', '5555 5555 5555 4444', '3782-822463-10005'];

interface Queue {
  readonly name: string;
  readonly messages?: number;
}

function secretsOf({ vhost }: TestStack): Secrets {
  return JSON.parse(
    readFileSync(join(process.env['SWITCHYARD_TEST_DIR'] ?? '', vhost, 'secrets.json'), 'utf8'),
  ) as Secrets;
}

/** All that can be read of the broker: what queues hold, and how they are made. */
async function brokerDump({ managementUrl, vhost }: TestStack): Promise<string> {
  const { origin, username, password } = new URL(managementUrl);
  const headers = {
    authorization: `Basic ${btoa(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`)}`,
    'content-type': 'application/json',
  };
  const ask = async (path: string, init: RequestInit = {}): Promise<string> =>
    (await fetch(`${origin}/api/${path}`, { headers, ...init })).text();
  const queues = JSON.parse(await ask(`queues/${vhost}`)) as readonly Queue[];
  const body = JSON.stringify({ count: 1000, ackmode: 'ack_requeue_true', encoding: 'auto' });
  const filled = queues.filter(({ name, messages = 0 }) => messages > 0 && !name.startsWith('amq.gen'));
  const held = await Promise.all(
    filled.map(({ name }) => ask(`queues/${vhost}/${encodeURIComponent(name)}/get`, { method: 'POST', body })),
  );
  return [JSON.stringify(queues), await ask(`bindings/${vhost}`), await ask(`policies/${vhost}`), ...held].join('\n');
}

async function databaseDump(stack: TestStack): Promise<string> {
  await using documents = await openDocuments(stack);
  const collections = (await documents.db.db?.listCollections().toArray()) ?? [];
  const all = await Promise.all(collections.map(({ name }) => documents.db.collection(name).find().toArray()));
  return JSON.stringify(all);
}

test('card numbers and secrets are in no log at debug, no document, no queue, no mail and no page', async (t) => {
  await using stack = await startStack({ env: { ...SHORT_TIMES, LOG_LEVEL: 'debug' } });
  const shop = createShop(stack);
  const alice = await stack.tokenOf('alice');
  const asAlice = { authorization: `Bearer ${alice}`, 'content-type': 'application/json' };
  await shop.topUp('alice', 100_000);
  await shop.run({ customerId: 'alice' });
  await shop.run({ customerId: 'alice', paymentMethod: 'pm_declined' });

  const told: string[] = [];
  const refused = async (path: string, init: RequestInit, status = 400): Promise<void> => {
    const response = await fetch(`${stack.apiUrl}${path}`, { headers: asAlice, ...init });
    const text = await response.text();
    t.is(response.status, status, `${path} ${JSON.stringify(init.body ?? '')} ${text}`);
    told.push(text);
  };
  const before = await databaseDump(stack);
  for (const card of CARDS) {
    const body = orderBody({ customerId: 'alice' });
    const [item] = body.items;
    const path = encodeURIComponent(card);
    const post = (changes: object, headers: object = {}): RequestInit => ({
      method: 'POST',
      headers: { ...asAlice, ...headers },
      body: JSON.stringify({ ...body, ...changes }),
    });
    await refused('/v1/orders', post({ paymentMethod: card }));
    await refused('/v1/orders', post({ items: [{ ...item, sku: card }] }));
    await refused('/v1/orders', post({ email: `${card.replaceAll(' ', '.')}@example.org` }));
    await refused('/v1/orders', post({ card }));
    await refused('/v1/orders', post({ [card]: 1 }));
    await refused('/v1/orders', post({}, { 'idempotency-key': card }));
    await refused(`/v1/orders/${path}`, {});
    await refused(`/v1/payments?orderId=${path}`, {});
    await refused(`/v1/${path}`, {}, 404);
    await refused('/v1/orders', { headers: { authorization: `Bearer ${card}` } }, 401);
    await refused('/v1/orders', { method: 'POST', headers: asAlice, body: `{"paymentMethod":"${card}"` });
  }
  // Whoever connects again says so, and to what.
  const broker = brokerContents(stack);
  const connections = await until('every service is connected', broker.connections, (all) => all.length > 10);
  for (const connection of connections) await broker.cut(connection);
  await stack.ready();
  await shop.run({ customerId: 'alice' });
  await refused('/v1/orders', { headers: { authorization: `Bearer ${alice.slice(0, -4)}AAAA` } }, 401);
  const pages = await Promise.all(
    Object.values(stack.urls).flatMap((url) =>
      ['metrics', 'readyz'].map(async (page) => (await fetch(`${url}/${page}`)).text()),
    ),
  );

  const secrets = secretsOf(stack);
  const { brokerAdmin, brokerPasswords, tokenKeys } = secrets;
  const hidden = {
    ...Object.fromEntries(CARDS.flatMap((card) => [card, card.replaceAll(/\D/g, '')]).map((card) => [card, card])),
    'the key of the tokens': tokenKeys.slice(tokenKeys.indexOf(':') + 1),
    'the administrator’s password': brokerAdmin,
    'a customer’s token': alice.slice(alice.lastIndexOf('.') + 1, -4),
    'the operator’s token': stack.operatorToken.slice(stack.operatorToken.lastIndexOf('.') + 1),
    ...Object.fromEntries(
      Object.entries(brokerPasswords).map(([service, password]) => [`the password of ${service}`, password]),
    ),
  };
  t.deepEqual(Object.keys(brokerPasswords).toSorted(), brokerUsers.toSorted());
  const logs = stack.logs();
  t.true(
    logs.some((line) => / debug /.test(line)),
    'debug lines are written',
  );
  const places = {
    'the logs': logs.join('\n'),
    'the database': await databaseDump(stack),
    'the broker': await brokerDump(stack),
    'the mails': JSON.stringify(await shop.mails()),
    answers: told.join('\n'),
    pages: pages.join('\n'),
  };
  t.true(before.includes('alice') && places['the database'].includes('alice'), 'the database was looked at');
  t.true(places['the broker'].includes('order.000') && places['the mails'].includes('alice@example.org'));
  for (const [place, text] of Object.entries(places))
    for (const [name, secret] of Object.entries(hidden)) {
      const at = text.indexOf(secret);
      t.is(at, -1, `${name} is in ${place}: ${text.slice(Math.max(0, at - 300), at)}`);
    }
});
