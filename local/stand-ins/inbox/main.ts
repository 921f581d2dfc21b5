/**
 * The inbox of the local stack: maildev, which takes every mail over SMTP and shows it at its web address and REST API. A
 * process of its own because maildev ends its process on SIGTERM and keeps one store per process.
 * Environment: `SMTP_PORT`, `HTTP_PORT`, `HTTP_HOST`, `MAIL_DIR`.
 */
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

interface MailDevOptions {
  readonly smtp: number;
  readonly web: number;
  readonly ip: string;
  readonly mailDirectory: string;
  readonly silent: boolean;
}

type Take = (stream: unknown, session: unknown, answer: (error: unknown, text?: string) => void) => void;

interface MailServer {
  readonly smtp: { onData: Take };
  on(event: 'new', listener: (mail: { readonly id: string }) => void): void;
  listen(): void;
}

/** More mails than this are not kept over a restart. */
const KEPT = 300;

const maildev = createRequire(import.meta.url)('maildev') as (options: MailDevOptions) => MailServer;
const { SMTP_PORT, HTTP_PORT, HTTP_HOST = '127.0.0.1', MAIL_DIR = '' } = process.env;

mkdirSync(MAIL_DIR, { recursive: true });
const newestFirst = readdirSync(MAIL_DIR)
  .map((name) => ({ path: join(MAIL_DIR, name), at: statSync(join(MAIL_DIR, name)).mtimeMs }))
  .sort((a, b) => b.at - a.at);
for (const { path } of newestFirst.slice(KEPT)) rmSync(path, { recursive: true, force: true });

const server = maildev({
  smtp: Number(SMTP_PORT),
  web: Number(HTTP_PORT),
  ip: HTTP_HOST,
  mailDirectory: MAIL_DIR,
  silent: true,
});

/** maildev accepts a mail before it shows it. Here the second of the two is the answer: an accepted mail is there. */
const half = new Map<string, () => void>();
const whenBoth = (id: string, answer = (): void => {}): void => {
  const other = half.get(id);
  half.set(id, answer);
  if (other === undefined) return;
  half.delete(id);
  other();
  answer();
};
server.on('new', ({ id }) => whenBoth(id));
const take = server.smtp.onData;
server.smtp.onData = (stream, session, answer) =>
  take(stream, session, (error, text) => {
    const id = /^Message queued as (\S+)$/.exec(text ?? '')?.[1];
    if (id === undefined) answer(error, text);
    else whenBoth(id, () => answer(error, text));
  });
server.listen();
