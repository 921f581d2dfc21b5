import { z } from 'zod';

/** No control, invisible or line-separating characters and no unpaired surrogates: these strings end up in mails, headers and keys. */
const VISIBLE = /^(?=.*\S)[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]*$/u;

/** What of it every reader of the API's document can check: not all know the classes of Unicode, or look ahead. */
const PRINTABLE = '^[^\\x00-\\x1F\\x7F]+$';

/** Visible text of 1 to `maxBytes` bytes, as JSON writes them: a quote or a backslash takes two. */
export function bounded(maxBytes: number) {
  return z
    .string()
    .min(1)
    .max(maxBytes)
    .regex(VISIBLE, 'must be visible text without control characters')
    .refine((text) => fits(text, maxBytes), `must be at most ${maxBytes} bytes of UTF-8 as JSON writes it`)
    .meta({ pattern: PRINTABLE });
}

/** Whether JSON writes the text in so many bytes of UTF-8. */
export function fits(text: string, maxBytes: number): boolean {
  return text.length * 3 <= maxBytes || Buffer.byteLength(JSON.stringify(text)) - 2 <= maxBytes;
}
