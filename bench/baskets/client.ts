import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A client that costs next to nothing beside what it measures: a connection takes one request at a time, and stays open. */
export interface Client {
  /** Connects, one after another: a server that is busy drops what comes all at once, and the client's kernel waits for seconds. */
  open(connections: number): Promise<void>;
  /** Sends the bytes of a request on a connection that is free; resolves with the bytes of the answer. @throws when it is not 200 */
  send(request: Buffer): Promise<Buffer>;
  close(): void;
}

interface Answering {
  readonly resolve: (answer: Buffer) => void;
  readonly reject: (error: Error) => void;
}

const HEAD_END = '\r\n\r\n';

/** A POST with a JSON body, as bytes. */
export function postOf(url: URL, token: string, body: unknown): Buffer {
  const json = JSON.stringify(body);
  const head = [
    `POST ${url.pathname} HTTP/1.1`,
    `Host: ${url.host}`,
    `Authorization: Bearer ${token}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(json)}`,
  ];
  return Buffer.from(`${head.join('\r\n')}${HEAD_END}${json}`);
}

export function createClient({ hostname, port }: URL): Client {
  const free: Connection[] = [];
  const sockets: Socket[] = [];
  return {
    async open(connections) {
      while (sockets.length < connections) {
        const one = connection(hostname, Number(port));
        sockets.push(one.socket);
        await once(one.socket, 'connect');
        free.push(one);
      }
    },
    async send(request) {
      const one = free.pop();
      if (one === undefined) throw new Error('no connection is free');
      const answer = await one.send(request);
      free.push(one);
      return answer;
    },
    close() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

interface Connection {
  readonly socket: Socket;
  send(request: Buffer): Promise<Buffer>;
}

function connection(host: string, port: number): Connection {
  const socket = connect({ host, port, noDelay: true });
  let waiting: Answering | undefined;
  let got = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    got = got.length === 0 ? chunk : Buffer.concat([got, chunk]);
    const end = got.indexOf(HEAD_END);
    if (end < 0) return;
    const head = got.toString('latin1', 0, end);
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
    if (got.length < end + HEAD_END.length + length) return;
    const [answered, body] = [waiting, got.subarray(end + HEAD_END.length)];
    [waiting, got] = [undefined, Buffer.alloc(0)];
    if (head.startsWith('HTTP/1.1 200 ')) answered?.resolve(body);
    else answered?.reject(new Error(`${head.split('\r\n')[0]}: ${body.toString().slice(0, 300)}`));
  });
  const failed = (error?: Error): void => waiting?.reject(error ?? new Error('the connection ended'));
  socket.on('error', failed);
  socket.on('close', () => failed());
  return {
    socket,
    send(request) {
      const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
      waiting = { resolve, reject };
      socket.write(request);
      return promise;
    },
  };
}
