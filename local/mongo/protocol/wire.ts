import { MongoFailure } from './failure.ts';
import { type Doc, encode, int32At } from './raw.ts';

/**
 * Messages of the MongoDB wire protocol (https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/):
 * OP_MSG with its sections, and OP_QUERY for the first hello of older drivers.
 */
const opMsg = 2013;
const opQuery = 2004;
const opReply = 1;
const checksumPresent = 1;
const moreToCome = 2;
export const maxMessageBytes = 48_000_000;

export interface Request {
  readonly requestId: number;
  readonly legacy: boolean;
  /** The client wants no answer (write concern 0). */
  readonly silent: boolean;
  readonly body: Buffer;
  /** Document sequences, by the name of the field that they stand for. */
  readonly sequences: ReadonlyMap<string, readonly Buffer[]>;
}

/** Cuts a byte stream into messages. Bytes of an unfinished message are kept until the rest arrives. */
export function createFramer(onRequest: (request: Request) => void): (chunk: Buffer) => void {
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  let needed = 16;
  return (chunk) => {
    waiting.push(chunk);
    waitingBytes += chunk.length;
    if (waitingBytes < needed) return;
    const bytes = waiting.length === 1 ? chunk : Buffer.concat(waiting);
    let at = 0;
    needed = 16;
    while (bytes.length - at >= 16) {
      const length = int32At(bytes, at);
      if (length < 16 || length > maxMessageBytes)
        throw new MongoFailure(9, `a message of ${length} bytes is not valid`);
      if (bytes.length - at < length) {
        needed = length;
        break;
      }
      onRequest(parse(bytes.subarray(at, at + length)));
      at += length;
    }
    waiting = at === bytes.length ? [] : [bytes.subarray(at)];
    waitingBytes = bytes.length - at;
  };
}

function parse(message: Buffer): Request {
  const requestId = int32At(message, 4);
  const code = int32At(message, 12);
  if (code === opMsg) return parseMsg(message, requestId);
  if (code !== opQuery) throw new MongoFailure(9, `operation ${code} is not supported`);
  const nameEnd = message.indexOf(0, 20);
  return {
    requestId,
    legacy: true,
    silent: false,
    body: document(message, nameEnd + 9, message.length),
    sequences: new Map(),
  };
}

function parseMsg(message: Buffer, requestId: number): Request {
  const flags = int32At(message, 16);
  if ((flags & 0xffff & ~(checksumPresent | moreToCome)) !== 0)
    throw new MongoFailure(9, `message flags ${flags} are not supported`);
  const end = message.length - ((flags & checksumPresent) === 0 ? 0 : 4);
  const sequences = new Map<string, readonly Buffer[]>();
  let body: Buffer | undefined;
  let at = 20;
  while (at < end) {
    const section = message[at];
    at += 1;
    if (section === 0) {
      body = document(message, at, end);
      at += body.length;
    } else if (section === 1) {
      const sectionEnd = at + int32At(message, at);
      const nameEnd = message.indexOf(0, at + 4);
      if (sectionEnd > end || nameEnd > sectionEnd) throw new MongoFailure(9, 'a document sequence is cut off');
      const documents: Buffer[] = [];
      for (let next = nameEnd + 1; next < sectionEnd; next += documents.at(-1)!.length) {
        documents.push(document(message, next, sectionEnd));
      }
      sequences.set(message.toString('utf8', at + 4, nameEnd), documents);
      at = sectionEnd;
    } else throw new MongoFailure(9, `section kind ${section} is not supported`);
  }
  if (body === undefined) throw new MongoFailure(9, 'a message has no body');
  return { requestId, legacy: false, silent: (flags & moreToCome) !== 0, body, sequences };
}

function document(bytes: Buffer, at: number, end: number): Buffer {
  const length = end - at >= 5 ? int32At(bytes, at) : 0;
  if (length < 5 || at + length > end || bytes[at + length - 1] !== 0)
    throw new MongoFailure(9, 'a BSON document is cut off');
  return bytes.subarray(at, at + length);
}

let nextId = 1;

/** The bytes of an answer. */
export function answerTo(request: Request, answer: Doc | Buffer): Buffer {
  const body = Buffer.isBuffer(answer) ? answer : encode(answer);
  const head = request.legacy ? 36 : 21;
  const out = Buffer.allocUnsafe(head + body.length);
  nextId = (nextId + 1) & 0x7fffffff;
  out.writeInt32LE(out.length, 0);
  out.writeInt32LE(nextId, 4);
  out.writeInt32LE(request.requestId, 8);
  out.writeInt32LE(request.legacy ? opReply : opMsg, 12);
  if (request.legacy) {
    out.writeInt32LE(8, 16);
    out.fill(0, 20, 32);
    out.writeInt32LE(1, 32);
  } else {
    out.writeInt32LE(0, 16);
    out[20] = 0;
  }
  out.set(body, head);
  return out;
}
