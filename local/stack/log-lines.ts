/** Makes one readable line of a service's JSON log line: `12:00:01.123 wallet  info  text key=value`. */
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** Receives one line of output of a process, without its line end. */
export type LineSink = (source: string, line: string) => void;

const COLOURS = { debug: 90, info: 36, warn: 33, error: 31 } as const;
const HIDDEN = new Set(['level', 'time', 'msg', 'service', 'pid', 'hostname']);

/** True for a line that tells of nothing wrong. */
export function isRoutine(line: string): boolean {
  return /^\{"level":"(info|debug)"/.test(line);
}

/** Lines that are not JSON (a stack trace, a driver's warning) are shown as they are, under the name of their source. */
export function readableLine(source: string, line: string, colour: boolean, now: () => number): string {
  const entry = parsed(line);
  const level = String(entry?.['level'] ?? 'info');
  const paint = (text: string, code: number): string => (colour ? `\u001B[${code}m${text}\u001B[0m` : text);
  const time = timeOf(entry?.['time'], now);
  const name = nameOf(source, entry?.['service']).padEnd(15);
  const head = `${paint(time, 90)} ${name} ${paint(level.padEnd(5), COLOURS[level as keyof typeof COLOURS] ?? 36)}`;
  return `${head} ${entry ? `${String(entry['msg'] ?? '')}${fieldsOf(entry, paint)}` : line}`;
}

/** A line tells its service; which copy of it wrote it, its source tells. */
function nameOf(source: string, service: unknown): string {
  if (typeof service !== 'string') return source;
  return source.startsWith(`${service}-`) ? source : service;
}

function parsed(line: string): Readonly<Record<string, unknown>> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function timeOf(time: unknown, now: () => number): string {
  const at = new Date(typeof time === 'string' || typeof time === 'number' ? time : now());
  return (Number.isNaN(at.getTime()) ? new Date(now()) : at).toISOString().slice(11, 23);
}

function fieldsOf(entry: Readonly<Record<string, unknown>>, paint: (text: string, code: number) => string): string {
  return Object.entries(entry)
    .filter(([name]) => !HIDDEN.has(name))
    .map(
      ([name, value]) =>
        ` ${paint(`${name}=`, 90)}${typeof value === 'string' ? quoted(value) : JSON.stringify(value)}`,
    )
    .join('');
}

function quoted(value: string): string {
  return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}

/** Passes on every line of a process's output. */
export function forwardLines(stream: Readable, source: string, sink: LineSink): void {
  createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', (line) => {
    if (line.trim() !== '') sink(source, line);
  });
}
