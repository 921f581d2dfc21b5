import { parseArgs } from 'node:util';
import { createLog } from '#shared/log.ts';
import { startEmbeddedMongo } from './protocol/server.ts';

export { type EmbeddedMongo, type EmbeddedMongoOptions, startEmbeddedMongo } from './protocol/server.ts';

/**
 * The server as a process of its own: `node local/mongo/main.ts --data DIR --port N [--host H] [--max-bytes N]`.
 * Its first log line says where it listens; SIGTERM and SIGINT stop it cleanly.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      data: { type: 'string', default: process.env['EMBEDDED_MONGO_DATA'] ?? '.switchyard/mongo' },
      port: { type: 'string', default: process.env['EMBEDDED_MONGO_PORT'] ?? '27017' },
      host: { type: 'string', default: process.env['EMBEDDED_MONGO_HOST'] ?? '127.0.0.1' },
      'max-bytes': { type: 'string' },
    },
  });
  const log = createLog('mongo', process.env['LOG_LEVEL'] ?? 'info');
  const maxBytes = values['max-bytes'];
  const server = await startEmbeddedMongo({
    dataDir: values.data,
    port: Number(values.port),
    host: values.host,
    ...(maxBytes === undefined ? {} : { maxBytes: Number(maxBytes) }),
    log,
  });
  log.info('listening', { url: server.url, port: server.port });
  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      void server.stop().then(() => process.exit(0)); // the process ends with it
    });
  }
}

if (import.meta.main) await main();
