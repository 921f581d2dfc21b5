import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';

export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  /** Headers and body as they came, without the final dot. */
  readonly source: string;
}

/** What to answer instead of success; `silent`: nothing at all, `close`: the end of the connection. */
export type SmtpTrouble = {
  readonly at: 'connect' | 'MAIL' | 'RCPT' | 'DATA' | 'end';
  readonly answer: string | 'silent' | 'close';
};

/** A mail server for tests (RFC 5321, without authentication): keeps what it accepted, and fails where it is told to. */
export async function startSmtpServer(extensions: readonly string[] = []) {
  const mails: ReceivedMail[] = [];
  const commands: string[] = [];
  const sockets = new Set<Socket>();
  let trouble: SmtpTrouble | undefined;
  let lateness = (_mail: ReceivedMail): number => 0;
  let offered = 0;
  let connections = 0;

  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
    let from = '';
    let to: string[] = [];
    let rest = '';
    let inData = false;
    const answer = (at: SmtpTrouble['at'], success: string, then?: () => void): void => {
      if (trouble?.at !== at) {
        then?.();
        socket.write(`${success}\r\n`);
      } else if (trouble.answer === 'close') socket.destroy();
      else if (trouble.answer !== 'silent') socket.write(`${trouble.answer}\r\n`);
    };
    const onCommand = (line: string): void => {
      commands.push(line);
      const verb = line.slice(0, 4).toUpperCase();
      if (verb === 'EHLO')
        socket.write(['250-test', ...extensions.map((one) => `250-${one}`), '250 8BITMIME', ''].join('\r\n'));
      else if (verb === 'MAIL') answer('MAIL', '250 ok', () => ([from, to] = [line, []]));
      else if (verb === 'RCPT') answer('RCPT', '250 ok', () => (to = [...to, line]));
      else if (verb === 'DATA' && to.length === 0) socket.write('554 no valid recipients\r\n');
      else if (verb === 'DATA') answer('DATA', '354 go on', () => (inData = true));
      else if (verb === 'QUIT') socket.end('221 bye\r\n');
      else socket.write('250 ok\r\n');
    };
    socket.on('data', (chunk) => {
      rest += chunk.toString('utf8');
      for (;;) {
        const end = rest.indexOf(inData ? '\r\n.\r\n' : '\r\n');
        if (end < 0) return;
        const part = rest.slice(0, end);
        rest = rest.slice(end + (inData ? 5 : 2));
        if (inData) {
          inData = false;
          offered += 1;
          const mail = { from, to, source: part };
          const accept = (): void => answer('end', '250 accepted', () => mails.push(mail));
          const lateMs = lateness(mail);
          if (lateMs === 0) accept();
          else if (lateMs < Infinity) setTimeout(accept, lateMs);
        } else onCommand(part);
      }
    });
    answer('connect', '220 test ESMTP');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    mails,
    commands,
    connections: () => connections,
    /** Whole mails that came, accepted or not. */
    offered: () => offered,
    /** How long the answer to a whole mail takes, ms; it is accepted then, whoever still waits. */
    late: (next: (mail: ReceivedMail) => number) => (lateness = next),
    fail: (next: SmtpTrouble | undefined) => (trouble = next),
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
