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
    pino({
      level,
      base: { service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    }),
  );
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
