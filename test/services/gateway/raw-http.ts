import { connect } from 'node:net';

/** Writes bytes as they are and reads until the server closes or has answered `answers` times. */
export async function exchange(port: number, bytes: readonly (string | Uint8Array)[], answers = 1): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const done = Promise.withResolvers<string>();
  let received = '';
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1');
    if (
      received.split('HTTP/1.1 ').length > answers + (received.startsWith('HTTP/1.1 100') ? 1 : 0) &&
      /\r\n\r\n.+/s.test(received)
    )
      socket.end();
  });
  socket.on('error', done.reject);
  socket.on('close', () => done.resolve(received));
  for (const part of bytes) if (!socket.write(part)) await new Promise((resolve) => socket.once('drain', resolve));
  return done.promise;
}
