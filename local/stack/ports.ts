import { createSocket, type Socket } from 'node:dgram';
import { createServer } from 'node:net';
import { systemClock } from '#shared/clock.ts';

/**
 * What was given and is in use soon. The UDP port of the same number, which nobody else needs, is held as long: so that
 * no other process is given the port before it is listened on.
 */
const given = new Map<number, Socket>();

/** The port itself when it is free on the loopback address, else the next free one. Given to nobody else until `releasePort`, or this process ends. */
export async function freePort(wanted: number): Promise<number> {
  for (let port = wanted; port < wanted + 2000 && port < 65_536; port += 1) {
    const reserved = given.has(port) ? undefined : await reserve(port);
    if (reserved === undefined) continue;
    if (await isFree(port)) {
      given.set(port, reserved);
      return port;
    }
    reserved.close();
  }
  throw new Error(`no free port from ${wanted} on`);
}

/** `freePort`, and tells when it is not the wanted one. */
export async function portFor(what: string, wanted: number, say: (text: string) => void): Promise<number> {
  const port = await freePort(wanted);
  if (port !== wanted) say(`Port ${wanted} is taken: ${what} is on ${port}.`);
  return port;
}

/** Any free port, outside the range from which the kernel takes the ports of outgoing connections. */
export function anyFreePort(): Promise<number> {
  return freePort(12_000 + Math.floor(systemClock.random() * 16_000));
}

/** Makes a port available again to `freePort`. */
export function releasePort(port: number): void {
  given.get(port)?.close();
  given.delete(port);
}

function reserve(port: number): Promise<Socket | undefined> {
  const socket = createSocket('udp4');
  return new Promise((resolve) => {
    socket.once('error', () => {
      socket.close();
      resolve(undefined);
    });
    socket.bind({ port, address: '127.0.0.1', exclusive: true }, () => resolve(socket.unref()));
  });
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
