import type { IncomingMessage } from 'node:http';
import { Problem } from './problems.ts';

export interface BodyLimits {
  readonly limitBytes: number;
  /** So much is read and thrown away of a body over the limit, so that the client gets to read the answer. */
  readonly drainBytes: number;
}

/**
 * Reads a JSON body, whether its length is declared or it comes in chunks. An empty body gives `undefined` when
 * `optional`. Throws `Problem`: unsupported-media-type, payload-too-large, malformed-json.
 */
export async function readJson(request: IncomingMessage, limits: BodyLimits, optional: boolean): Promise<unknown> {
  if (!carriesBody(request)) {
    if (optional) return undefined;
    requireJson(request);
    throw new Problem('malformed-json', 'the body is empty');
  }
  if (!(optional && request.headers['content-type'] === undefined)) requireJson(request);
  const bytes = await readBytes(request, limits);
  if (bytes.length === 0 && optional) return undefined;
  return parse(bytes);
}

/** RFC 9112, 6.3: a request has a body only when one of these says so. */
function carriesBody(request: IncomingMessage): boolean {
  const length = request.headers['content-length'];
  return request.headers['transfer-encoding'] !== undefined || (length !== undefined && Number(length) > 0);
}

function requireJson(request: IncomingMessage): void {
  const type = request.headers['content-type'];
  if (type === undefined)
    throw new Problem('unsupported-media-type', 'the header Content-Type: application/json is missing');
  if (!/^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?;?\s*$/i.test(type))
    throw new Problem('unsupported-media-type', 'the body must be application/json in UTF-8');
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
    throw new Problem('unsupported-media-type', 'the body must not be compressed');
}

/** Throws `Problem`: payload-too-large, malformed-json when it ended early. */
export async function readBytes(request: IncomingMessage, { limitBytes, drainBytes }: BodyLimits): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  if (Number(request.headers['content-length'] ?? 0) > drainBytes) throw tooLarge(limitBytes, true);
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size <= limitBytes) chunks.push(chunk);
      else chunks.length = 0;
      if (size > drainBytes) break;
    }
  } catch (error) {
    throw new Problem('malformed-json', 'the body ended early', { cause: error });
  }
  if (size > limitBytes) throw tooLarge(limitBytes, size > drainBytes);
  return Buffer.concat(chunks);
}

function tooLarge(limitBytes: number, unread: boolean): Problem {
  return new Problem('payload-too-large', `the body has more than ${limitBytes} bytes`, {
    members: { limitBytes },
    headers: unread ? { Connection: 'close' } : {},
  });
}

function parse(bytes: Buffer): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Problem('malformed-json', 'the body is not valid UTF-8');
  }
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Problem('malformed-json', 'the body is not valid JSON');
  }
}
