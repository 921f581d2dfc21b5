import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import { systemClock } from '#shared/clock.ts';
import { silentLog } from '#shared/log.ts';
import { createApp, webSettings } from '#shared/web/app.ts';
import { endpoint, noContent, nothing } from '#shared/web/endpoint.ts';
import { openApiOf } from '#shared/web/openapi.ts';
import { etagOf, ifMatchOf, stale, versionOf } from '#shared/web/preconditions.ts';
import { parseTokenKeys } from '#shared/web/tokens.ts';

/** What a thing of version 3 does with a change. */
const change = endpoint('DELETE', '/things/:id', {
  id: 'deleteThing',
  tag: { name: 'Things', description: 'Things.' },
  summary: 'Delete it.',
  access: 'public',
  ifMatch: true,
  answers: { 204: nothing },
  async handle({ ifMatch }) {
    const { version = 3 } = versionOf(ifMatch);
    if (version !== 3) throw stale(3);
    return noContent;
  },
});

async function ask(headers: Record<string, string>): Promise<Response> {
  const tokens = parseTokenKeys(`test:${'s'.repeat(32)}`);
  const app = createApp({ endpoints: [change], tokens, clock: systemClock, log: silentLog, settings: webSettings });
  const listener = app.callback();
  const server = createServer((request, response) => void listener(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    return await fetch(`http://127.0.0.1:${port}/things/1`, { method: 'DELETE', headers });
  } finally {
    server.close();
  }
}

test('the ETag of the version that was read lets a change through, and nothing is answered', async (t) => {
  for (const tag of [etagOf(3), ' "3" ', '*']) {
    const reply = await ask({ 'if-match': tag });
    t.is(reply.status, 204, tag);
    t.is(await reply.text(), '');
    t.is(reply.headers.get('content-type'), null);
  }
});

test('without If-Match a change is 428, whatever else it is', async (t) => {
  const reply = await ask({});
  t.is(reply.status, 428);
  t.is(((await reply.json()) as { type: string }).type, '/problems/precondition-required');
});

test('a stale version, a weak tag and a tag of nobody are 412, and the answer says which version there is', async (t) => {
  for (const tag of ['"2"', 'W/"3"', '"other"', '""', '"03"', '"99999999999999999999"']) {
    const reply = await ask({ 'if-match': tag });
    t.is(reply.status, 412, tag);
    t.is(reply.headers.get('etag'), '"3"');
  }
});

test('what is no entity tag is invalid and named', (t) => {
  for (const text of ['', '3', '"3', '"3", "4"', 'w/"3"'])
    t.like(
      t.throws(() => ifMatchOf(text)),
      { slug: 'validation', members: { errors: [{ pointer: '/If-Match' }] } },
      text,
    );
});

test('the document demands the header and describes an answer without a body', (t) => {
  const { paths } = openApiOf([change]) as {
    readonly paths: Record<string, Record<string, { parameters: object[]; responses: Record<string, object> }>>;
  };
  const { parameters, responses } = paths['/things/{id}']!['delete']!;
  t.true(
    parameters.some((one) => 'name' in one && one.name === 'If-Match' && 'required' in one && one.required === true),
  );
  t.false('content' in responses['204']!);
  t.truthy(responses['412']);
  t.truthy(responses['428']);
});
