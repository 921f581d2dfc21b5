import { type Socket, createServer } from 'node:net';
import { once } from 'node:events';
import type { Clock } from '#shared/clock.ts';
import { systemClock } from '#shared/clock.ts';
import { reasonOf } from '#shared/errors.ts';
import { type Log, silentLog } from '#shared/log.ts';
import { openCatalog } from '#local/mongo/storage/catalog.ts';
import { createCheckpoints } from '#local/mongo/storage/checkpoint.ts';
import { createCursors } from './cursors.ts';
import { expireDocuments } from '#local/mongo/commands/expiry.ts';
import { openJournal } from '#local/mongo/storage/journal.ts';
import { openStorage } from '#local/mongo/storage/storage.ts';
import { createTurns } from './turn.ts';
import { createFramer } from './wire.ts';

export interface EmbeddedMongoOptions {
  readonly dataDir: string;
  /** 0, the default: any free port. */
  readonly port?: number;
  readonly host?: string;
  /** When the data has this size, inserts and updates answer with code 14031; reads and deletes go on. */
  readonly maxBytes?: number;
  /** Memory for cached documents, 32 MiB if not given. */
  readonly cacheBytes?: number;
  /** How much the journal grows before its documents move into the tables, 16 MiB if not given. */
  readonly sectionBytes?: number;
  /** How often TTL indexes are looked at, 60 s if not given. */
  readonly expiryMs?: number;
  readonly clock?: Clock;
  readonly log?: Log;
}

export interface EmbeddedMongo {
  /** `mongodb://host:port`, without a database. */
  readonly url: string;
  readonly port: number;
  /** Commits, answers and closes. */
  stop(): Promise<void>;
}

/** Starts the server; rejects when the port is taken or the data directory is in use. */
export async function startEmbeddedMongo(options: EmbeddedMongoOptions): Promise<EmbeddedMongo> {
  const { dataDir, port = 0, host = '127.0.0.1', maxBytes = Infinity, cacheBytes = 32 * 1024 * 1024 } = options;
  const { sectionBytes = 16 * 1024 * 1024, expiryMs = 60_000, clock = systemClock, log = silentLog } = options;
  const storage = openStorage({ dataDir, maxBytes });
  const journal = openJournal(storage.database);
  const catalog = openCatalog(storage, journal, cacheBytes);
  const checkpoints = createCheckpoints(storage, catalog, journal, sectionBytes);
  const server = { storage, catalog, journal, checkpoints, cursors: createCursors(clock), clock };
  const turns = createTurns(server, log);
  const sockets = new Set<Socket>();

  const listener = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    const frame = createFramer((request) => turns.accept(socket, request));
    socket.on('data', (chunk) => {
      try {
        frame(chunk);
      } catch (error) {
        log.warn('a connection sent no valid message', { reason: reasonOf(error) });
        socket.destroy();
      }
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  });

  let cancelExpiry = (): void => {};
  function scheduleExpiry(): void {
    cancelExpiry = clock.after(expiryMs, () => {
      scheduleExpiry();
      server.cursors.expire();
      try {
        turns.inside(() => expireDocuments(server));
      } catch (error) {
        log.error('expiry failed', { reason: reasonOf(error) });
      }
    });
  }

  try {
    listener.listen(port, host);
    await once(listener, 'listening');
  } catch (error) {
    storage.close();
    throw error;
  }
  scheduleExpiry();
  const address = listener.address() as { port: number };
  return {
    url: `mongodb://${host}:${address.port}`,
    port: address.port,
    async stop() {
      cancelExpiry();
      const closed = once(listener, 'close');
      listener.close();
      turns.finish();
      for (const socket of sockets) socket.destroySoon();
      await closed;
      checkpoints.complete();
      storage.commit();
      storage.close();
    },
  };
}
