import { pino } from 'pino';

/** One line per event: a sentence, and fields that say to which order, route or queue it belongs. */
export interface Log {
  debug(text: string, fields?: object): void;
  info(text: string, fields?: object): void;
  warn(text: string, fields?: object): void;
  error(text: string, fields?: object): void;
  /** A log that adds `fields` to every line. */
  with(fields: object): Log;
}

/** Writes JSON lines to standard output. `level`: debug | info | warn | error | silent. */
export function createLog(service: string, level: string): Log {
  return around(
    pino(
      {
        level,
        base: { service },
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
      },
      (output ??= standardOutput()),
    ),
  );
}

/** Of all logs of this process. */
let output: pino.DestinationStream | undefined;
/** So many characters do not wait for the end of the turn. */
const MOST_WAITING = 64 * 1024;

/** What is logged in one turn of the event loop is one write, after it; at the end of the process nothing is left. */
function standardOutput(): pino.DestinationStream {
  const stream = pino.destination({ dest: 1, sync: true });
  let lines = '';
  const flush = (): void => {
    const text = lines;
    lines = '';
    if (text !== '') stream.write(text);
  };
  process.on('exit', flush);
  return {
    write(line) {
      if (lines === '') setImmediate(flush);
      lines += line;
      if (lines.length > MOST_WAITING) flush();
    },
  };
}

function around(logger: pino.Logger): Log {
  return {
    debug: (text, fields) => logger.debug(fields ?? {}, text),
    info: (text, fields) => logger.info(fields ?? {}, text),
    warn: (text, fields) => logger.warn(fields ?? {}, text),
    error: (text, fields) => logger.error(fields ?? {}, text),
    with: (fields) => around(logger.child(fields)),
  };
}

/** Says nothing. */
export const silentLog: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  with: () => silentLog,
};
