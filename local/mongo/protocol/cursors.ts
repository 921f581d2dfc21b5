import { Long } from 'bson';
import type { Clock } from '#shared/clock.ts';
import { MongoFailure } from './failure.ts';
import { encode, fromElements } from './raw.ts';

export interface Cursor {
  readonly namespace: string;
  readonly documents: Iterator<Buffer>;
}

/** Open cursors: what a find or aggregate has not delivered yet. */
export interface Cursors {
  /** Answers with the first batch; keeps the cursor when there is more. */
  first(cursor: Cursor, batchSize: number, single: boolean): Buffer;
  next(id: Long, namespace: string, batchSize: number | undefined): Buffer;
  kill(id: Long): boolean;
  /** Forgets cursors that nobody asked for in the last ten minutes. */
  expire(): void;
}

const idleMs = 600_000;
const maxBatchBytes = 16_000_000;

export function createCursors(clock: Clock): Cursors {
  const open = new Map<string, Cursor & { usedAt: number; ahead: Buffer | undefined }>();

  function newId(): Long {
    return new Long(Math.floor(clock.random() * 2 ** 32) | 0, (Math.floor(clock.random() * 2 ** 31) | 0) + 1);
  }

  /** At most `size` documents; the one read too far is kept for the next batch. */
  function take(cursor: Cursor & { ahead: Buffer | undefined }, size: number): { batch: Buffer[]; done: boolean } {
    const batch: Buffer[] = [];
    let bytes = 0;
    for (;;) {
      const next = cursor.ahead ?? (cursor.documents.next().value as Buffer | undefined);
      cursor.ahead = undefined;
      if (next === undefined) return { batch, done: true };
      bytes += next.length;
      if (batch.length === size || (batch.length > 0 && bytes > maxBatchBytes)) {
        cursor.ahead = next;
        return { batch, done: false };
      }
      batch.push(next);
    }
  }

  return {
    first({ namespace, documents }, batchSize, single) {
      const cursor = { namespace, documents, usedAt: clock.now(), ahead: undefined };
      const { batch, done } = take(cursor, batchSize);
      if (done || single) return cursorAnswer(namespace, 'firstBatch', batch, Long.ZERO);
      const id = newId();
      open.set(id.toString(), cursor);
      return cursorAnswer(namespace, 'firstBatch', batch, id);
    },
    next(id, namespace, batchSize) {
      const cursor = open.get(id.toString());
      if (cursor === undefined || cursor.namespace !== namespace)
        throw new MongoFailure(43, `cursor id ${id.toString()} not found`);
      cursor.usedAt = clock.now();
      const { batch, done } = take(cursor, batchSize ?? Infinity);
      if (done) open.delete(id.toString());
      return cursorAnswer(namespace, 'nextBatch', batch, done ? Long.ZERO : id);
    },
    kill: (id) => open.delete(id.toString()),
    expire() {
      for (const [id, { usedAt }] of open) if (usedAt < clock.now() - idleMs) open.delete(id);
    },
  };
}

/** The answer with a batch, built around the raw documents. */
function cursorAnswer(
  namespace: string,
  field: 'firstBatch' | 'nextBatch',
  batch: readonly Buffer[],
  id: Long,
): Buffer {
  const items: Buffer[] = [];
  for (const [index, raw] of batch.entries()) items.push(elementName(0x03, String(index)), raw);
  const array = fromElements(items);
  const rest = encode({ id, ns: namespace });
  const cursor = fromElements([elementName(0x04, field), array, rest.subarray(4, rest.length - 1)]);
  return fromElements([elementName(0x03, 'cursor'), cursor, okElement]);
}

function elementName(type: number, name: string): Buffer {
  const out = Buffer.allocUnsafe(name.length + 2);
  out[0] = type;
  out.write(name, 1, 'latin1');
  out[out.length - 1] = 0;
  return out;
}

const okDocument = encode({ ok: 1.0 });
const okElement = okDocument.subarray(4, okDocument.length - 1);
