import { z } from 'zod';
import { MAX_EMAIL_BYTES, emailAddress } from './fields.ts';

/**
 * What a customer may give: letters, digits and a few signs, in any script (RFC 6531). It names what is not allowed,
 * because not every reader of the API's description knows classes of Unicode; `isEmailAddress` looks at the rest.
 */
const EMAIL_PATTERN =
  /^[^ -&(-*,./:-@[-^`{-~]+(\.[^ -&(-*,./:-@[-^`{-~]+)*@([^ -,./:-@[-`{-~]+\.)+[^ -,./:-@[-`{-~]{2,}$/;

/** Letters, digits and their marks: a parser of URLs gives all else a meaning. */
const DOMAIN = /^[\p{L}\p{M}\p{N}.-]+$/u;
const HOST_NAME = /^([A-Za-z0-9][A-Za-z0-9-]{0,62}\.)+(xn--[A-Za-z0-9-]{1,59}|[A-Za-z]{2,63})$/;

/**
 * The address as a mail server is told it: its domain in ASCII, `alice@bücher.example` as `alice@xn--bcher-kva.example`
 * (RFC 5891, UTS 46); an ASCII domain stays as it is. `undefined`: such a domain cannot exist, or the address is too long.
 */
export function asSent(address: string): string | undefined {
  const at = address.lastIndexOf('@');
  const domain = address.slice(at + 1);
  if (isAscii(domain)) return address;
  const ascii = DOMAIN.test(domain) ? (URL.parse(`http://${domain}`)?.hostname ?? '') : '';
  const sent = `${address.slice(0, at)}@${ascii}`;
  return HOST_NAME.test(ascii) && Buffer.byteLength(sent) <= MAX_EMAIL_BYTES ? sent : undefined;
}

/** Whether the part before the domain needs a server that offers SMTPUTF8. */
export function needsSmtpUtf8(address: string): boolean {
  return !isAscii(address.slice(0, address.lastIndexOf('@')));
}

/** Whether mail can be sent there, as far as its form tells, and messages can carry it. */
export function isEmailAddress(text: string): boolean {
  if (!EMAIL_PATTERN.test(text) || !emailAddress.safeParse(text).success) return false;
  const sent = asSent(text);
  return sent !== undefined && HOST_NAME.test(sent.slice(sent.lastIndexOf('@') + 1));
}

/** An address as a client gives it. */
export const givenEmail = z
  .string()
  .max(MAX_EMAIL_BYTES)
  .regex(EMAIL_PATTERN, { error: 'must be an e-mail address', abort: true })
  .refine(isEmailAddress, 'must be an e-mail address');

function isAscii(text: string): boolean {
  return Buffer.byteLength(text) === text.length;
}
