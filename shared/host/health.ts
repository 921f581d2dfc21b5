import { createServer, STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Registry } from 'prom-client';
import { systemClock } from '#shared/clock.ts';
import { reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';

export type RequestListener = (request: IncomingMessage, response: ServerResponse) => unknown;

export interface HttpOptions {
  readonly host: string;
  readonly port: number;
  /** Each throws what is wrong; all of them are run for `/readyz`. */
  readonly checks: ReadonlyMap<string, () => void | Promise<void>>;
  readonly metrics: Registry;
  readonly log: Log;
  /** Who answers the other paths; may appear later. */
  readonly listener: () => RequestListener | undefined;
  /** How long a request may take to come whole, ms; half a minute unless said. */
  readonly requestMs?: number;
}

const MAX_HEADER_BYTES = 16_384;
/** How long a connection without a request stays open, ms: longer than clients and proxies keep one, so that none sends into one that is being closed. */
const IDLE_MS = 65_000;

export interface HttpServer {
  readonly url: string;
  /** Takes no new connections; requests that are being answered go on. */
  stopListening(): void;
  /** Resolves when every connection has ended; after `graceMs` they are cut. */
  close(graceMs: number): Promise<void>;
}

/**
 * Serves `/livez` (200 while the process runs, no dependency), `/readyz` (503 with a line per failed check) and
 * `/metrics` (Prometheus text); everything else goes to the listener. Rejects when the port is taken.
 */
export async function serveHttp(options: HttpOptions): Promise<HttpServer> {
  const { host, port, checks, metrics, log, listener, requestMs = 30_000 } = options;

  const limits = {
    maxHeaderSize: MAX_HEADER_BYTES,
    requestTimeout: requestMs,
    headersTimeout: requestMs,
    keepAliveTimeout: IDLE_MS,
    // Node looks for late requests only so often, by itself every half minute.
    connectionsCheckingInterval: Math.min(1000, requestMs),
  };
  const server = createServer(limits, (request, response) => {
    void answer(request, response).catch((error: unknown) => {
      log.error('request failed', { url: request.url, reason: reasonOf(error) });
      if (!response.headersSent) send(response, 500, 'application/json', '{"title":"internal error"}');
    });
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    switch (request.url?.split('?')[0]) {
      case '/livez':
        return send(response, 200, 'application/json', '{"live":true}');
      case '/readyz': {
        const report = await readiness(checks);
        return send(response, report.ready ? 200 : 503, 'application/json', JSON.stringify(report));
      }
      case '/metrics':
        return send(response, 200, metrics.contentType, await metrics.metrics());
      default: {
        const other = listener();
        if (other === undefined) return send(response, 404, 'application/json', '{"title":"not found"}');
        await other(request, response);
      }
    }
  }

  server.on('clientError', (error: NodeJS.ErrnoException, socket) => refuse(error, socket, log));
  const closed = Promise.withResolvers<void>();
  server.once('close', closed.resolve);

  function stopListening(): void {
    if (server.listening) server.close();
    server.closeIdleConnections();
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    stopListening,
    async close(graceMs) {
      stopListening();
      const cancel = systemClock.after(graceMs, () => server.closeAllConnections());
      await closed.promise;
      cancel();
    },
  };
}

export interface Readiness {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, Check>>;
}

interface Check {
  readonly ok: boolean;
  readonly reason?: string;
}

/** What `/readyz` says now. */
export async function readiness(checks: HttpOptions['checks']): Promise<Readiness> {
  const results = await Promise.all(
    [...checks].map(async ([name, check]): Promise<[string, Check]> => {
      try {
        await check();
        return [name, { ok: true }];
      } catch (error) {
        return [name, { ok: false, reason: reasonOf(error) }];
      }
    }),
  );
  return { ready: results.every(([, result]) => result.ok), checks: Object.fromEntries(results) };
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

/**
 * Bytes that are no HTTP request, too many of them, or too few for too long get a problem document (RFC 9457) as well, as
 * far as the connection still takes one. Its trace is ours: the caller's was not read.
 */
function refuse(error: NodeJS.ErrnoException, socket: Duplex, log: Log): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = unreadable[error.code ?? ''] ?? 400;
  const title = STATUS_CODES[status] ?? '';
  const detail = details[status] ?? 'this is not an HTTP request that can be read';
  const traceId = systemClock.id().replaceAll('-', '');
  log.info('a request could not be read', { status, traceId, reason: error.code ?? error.message });
  const body = JSON.stringify({ type: 'about:blank', title, status, detail, traceId });
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\nConnection: close\r\nContent-Type: application/problem+json\r\n` +
      `traceparent: 00-${traceId}-${traceId.slice(16)}-01\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

const details: Readonly<Record<number, string>> = {
  408: 'the request did not come whole in time',
  431: `the headers have more than ${MAX_HEADER_BYTES} bytes`,
};

const unreadable: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};
