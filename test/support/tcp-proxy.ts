import { connect, createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Transform } from 'node:stream';
import { HEARTBEAT, losing, type PublishFilter } from './amqp-publishes.ts';
import { systemClock as clock } from '#shared/clock.ts';

/**
 * What the next client that sends certain words sends, from those words on: kept back, while everything else goes through. To a broker
 * the connection looks alive meanwhile, however long that is and whatever becomes of the client.
 */
export interface Held {
  /** Resolves when it is kept back. */
  readonly caught: Promise<void>;
  /** It goes on, late. */
  release(): void;
}

const BEAT_MS = 1000;

/** A TCP relay on a loopback port, to cut connections as a broken network does. */
export interface TcpProxy {
  readonly port: number;
  /** Breaks what is connected; with `stayDown`, new connections are broken too until `restore`, after `lastWords` if there are. */
  cut(options?: { readonly stayDown?: boolean; readonly lastWords?: string }): void;
  restore(): void;
  /** Connections stay open, but nothing more goes through. */
  freeze(): void;
  hold(words: string): Held;
  /** Of a broker: what is lost from now on of what is published through it; nothing without a filter. */
  lose(filter: PublishFilter | undefined): void;
  close(): Promise<void>;
}

/** `port` is asked for with each connection, should it not be known yet; `isBroker`: what comes is AMQP. */
export async function startTcpProxy(
  host: string,
  port: number | (() => number),
  { isBroker = false }: { readonly isBroker?: boolean } = {},
): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let down = false;
  let lastWords: string | undefined;
  let filter: PublishFilter | undefined;
  let stopBeating = (): void => {};
  /** Tells whether it goes through now; keeps `pass` otherwise, and that connection alive. */
  let look = (_chunk: Buffer, _pass: () => void, _upstream: Socket): boolean => true;
  const server = createServer((client) => {
    if (down) {
      client.on('error', () => {});
      if (lastWords === undefined) client.destroy();
      else client.end(lastWords);
      return;
    }
    const upstream = connect({ host, port: typeof port === 'number' ? port : port(), noDelay: true });
    client.setNoDelay(true);
    const through = isBroker ? losing(() => filter) : (chunk: Buffer) => chunk;
    const gate = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        const pass = (): void => done(null, through(chunk));
        if (look(chunk, pass, upstream)) pass();
      },
    });
    client.pipe(gate).pipe(upstream);
    upstream.pipe(client);
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one);
      one.on('error', () => {});
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  function beating(upstream: Socket): void {
    if (upstream.destroyed) return;
    upstream.write(HEARTBEAT);
    stopBeating = clock.after(BEAT_MS, () => beating(upstream));
  }
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    freeze() {
      for (const socket of sockets) socket.unpipe();
    },
    hold(words) {
      const caught = Promise.withResolvers<void>();
      let kept: (() => void) | undefined;
      look = (chunk, pass, upstream) => {
        if (kept !== undefined || !chunk.includes(words)) return true;
        kept = pass;
        if (isBroker) beating(upstream);
        caught.resolve();
        return false;
      };
      return {
        caught: caught.promise,
        release() {
          look = () => true;
          stopBeating();
          kept?.();
        },
      };
    },
    lose(wanted) {
      filter = wanted;
    },
    port: (server.address() as AddressInfo).port,
    cut({ stayDown = false, lastWords: words } = {}) {
      down = stayDown;
      lastWords = words;
      cut();
    },
    restore() {
      down = false;
    },
    close() {
      stopBeating();
      cut();
      return new Promise((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}

/** A proxy to the server of a URL. */
export function relayTo(server: string): Promise<TcpProxy> {
  const { hostname, port, protocol } = new URL(server);
  return startTcpProxy(hostname, Number(port), { isBroker: protocol === 'amqp:' });
}

/** The URL of a server as it is reached through the proxy. */
export function through({ port }: TcpProxy, server: string): string {
  const url = new URL(server);
  url.host = `127.0.0.1:${port}`;
  return url.href.replace(/\/$/, '');
}
