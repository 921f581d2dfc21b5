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

interface MailServer {
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

maildev({
  smtp: Number(SMTP_PORT),
  web: Number(HTTP_PORT),
  ip: HTTP_HOST,
  mailDirectory: MAIL_DIR,
  silent: true,
}).listen();
