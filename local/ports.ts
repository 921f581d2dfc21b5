import { createServer } from 'node:net';
import { systemClock } from '#shared/clock.ts';

const given = new Set<number>();

/** The port itself when it is free on the loopback address, else the next free one. Never gives the same one twice in a process. */
export async function freePort(wanted: number): Promise<number> {
  for (let port = wanted; port < wanted + 2000 && port < 65_536; port += 1) {
    if (!given.has(port) && (await isFree(port))) {
      given.add(port);
      return port;
    }
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
  given.delete(port);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
