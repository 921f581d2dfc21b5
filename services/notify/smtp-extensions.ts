import SMTPConnection, { type SMTPConnectionOptions } from 'nodemailer/lib/smtp-connection';

/**
 * Whether the server offers an extension of SMTP (RFC 5321 section 2.2), asked over a connection of its own: nodemailer uses
 * the extensions that it knows when they are offered and is silent about those that are not. Rejects when the server
 * does not answer.
 */
export function offers(options: SMTPConnectionOptions, extension: string, signal: AbortSignal): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const connection = new SMTPConnection(options);
  const stop = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', stop, { once: true });
  connection.once('error', reject);
  connection.once('end', () => reject(new Error('the mail server closed the connection')));
  connection.connect((error) => {
    const hello = connection.lastServerResponse;
    if (error) reject(error);
    else resolve(hello !== false && new RegExp(`^250[ -]${extension}\\b`, 'im').test(hello));
  });
  return promise.finally(() => {
    signal.removeEventListener('abort', stop);
    connection.close();
  });
}
