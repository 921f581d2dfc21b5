import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { createTransport } from 'nodemailer';
import { projectDir } from '#local/stack/own-process.ts';
import { anyFreePort } from '#local/stack/ports.ts';
import { until } from '#test/support/until.ts';

test('a mail that was accepted is in the list', async (t) => {
  const [smtp, http] = [await anyFreePort(), await anyFreePort()];
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-inbox-'));
  const inbox = spawn(process.execPath, [join(projectDir, 'local/stand-ins/inbox/main.ts')], {
    env: { SMTP_PORT: String(smtp), HTTP_PORT: String(http), MAIL_DIR: folder },
    stdio: 'ignore',
  });
  const mailer = createTransport({ host: '127.0.0.1', port: smtp, pool: true, maxConnections: 4 });
  t.teardown(async () => {
    mailer.close();
    inbox.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  const subjects = async (): Promise<readonly string[]> => {
    const mails = (await (await fetch(`http://127.0.0.1:${http}/email`)).json()) as readonly { subject: string }[];
    return mails.map(({ subject }) => subject);
  };
  await until('the inbox runs', subjects, () => true);
  await until('it takes mails', () => mailer.verify(), Boolean);
  const send = async (index: number): Promise<void> => {
    const subject = `mail ${index}`;
    const text = 'and so on '.repeat(index * 200);
    await mailer.sendMail({ from: 'shop@example.org', to: 'erin@example.org', subject, text });
    t.true((await subjects()).includes(subject), subject);
  };
  for (let from = 0; from < 40; from += 8)
    await Promise.all(Array.from({ length: 8 }, (_, index) => send(from + index)));
  t.is((await subjects()).length, 40);
});
