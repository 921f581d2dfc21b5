/** The HTTP side of what stands in for somebody else's service: JSON in, JSON out. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import type { Settings } from './misbehaviour.ts';
import type { Clock } from '#shared/clock.ts';
import { reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';

/** What a stand-in starts with. */
export interface StubOptions {
  readonly host?: string;
  /** 0: any free port. */
  readonly port?: number;
  readonly settings?: Partial<Settings>;
  readonly clock: Clock;
  readonly log: Log;
}

export interface RunningStub {
  readonly url: string;
  /** Ends every connection, also those that wait for an answer. */
  close(): Promise<void>;
}

export interface StubAnswer {
  readonly status: number;
  readonly body: unknown;
}

const MAX_BODY_BYTES = 64 * 1024;

/** Listens. `handle` replies itself, or throws: 400 for a request that a schema refused, else 500. */
export async function serveStub(
  { host, port, log }: { readonly host: string; readonly port: number; readonly log: Log },
  handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): Promise<RunningStub> {
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      if (response.destroyed || response.headersSent) return;
      const wrong = error instanceof z.ZodError || error instanceof SyntaxError || error instanceof URIError;
      if (!wrong) log.error('request failed', { reason: reasonOf(error) });
      reply(response, { status: wrong ? 400 : 500, body: { reason: wrong ? 'invalid_request' : 'internal' } });
    });
  });
  server.listen(port, host);
  await once(server, 'listening');
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

export async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw new SyntaxError('body too large');
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
}

export function reply(response: ServerResponse, { status, body }: StubAnswer): void {
  if (response.destroyed) return;
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** What a key was answered is answered again; the same key with another request is not. A request that throws is forgotten. */
export function rememberingAnswers<Answer extends StubAnswer>() {
  const answered = new Map<string, { readonly request: string; readonly answer: Answer }>();
  return (key: string | string[] | undefined, request: unknown, effect: () => Answer): Answer | StubAnswer => {
    if (typeof key !== 'string' || key === '') return { status: 400, body: { reason: 'idempotency_key_missing' } };
    const asked = JSON.stringify(request);
    const before = answered.get(key);
    if (before)
      return before.request === asked ? before.answer : { status: 422, body: { reason: 'idempotency_key_reused' } };
    const answer = effect();
    answered.set(key, { request: asked, answer });
    return answer;
  };
}
