/** What the processes of the stack write, kept in files: `<dir>/log/<process>.log`, and the two files before it. */
import { chmodSync, closeSync, fstatSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { LineSink } from './log-lines.ts';

const MAX_BYTES = 5_000_000;
const KEPT = 2;

export interface LogFiles {
  readonly write: LineSink;
  close(): void;
}

/** Files of the person who started the stack alone. `maxBytes`: a file that is longer becomes `<process>.1.log`, that one `.2.log`. */
export function openLogFiles(dir: string, maxBytes = MAX_BYTES): LogFiles {
  const folder = join(dir, 'log');
  const files = new Map<string, { readonly fd: number; bytes: number }>();
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o700);
  const pathOf = (name: string, age: number): string => join(folder, age === 0 ? `${name}.log` : `${name}.${age}.log`);

  function opened(name: string): { readonly fd: number; bytes: number } {
    const fd = openSync(pathOf(name, 0), 'a', 0o600);
    const file = { fd, bytes: fstatSync(fd).size };
    files.set(name, file);
    return file;
  }

  function rotate(name: string, fd: number): void {
    closeSync(fd);
    files.delete(name);
    rmSync(pathOf(name, KEPT), { force: true });
    for (let age = KEPT - 1; age >= 0; age -= 1) renameIfThere(pathOf(name, age), pathOf(name, age + 1));
  }

  return {
    write(source, line) {
      const file = files.get(source) ?? opened(source);
      file.bytes += writeSync(file.fd, `${line}\n`);
      if (file.bytes > maxBytes) rotate(source, file.fd);
    },
    close() {
      for (const { fd } of files.values()) closeSync(fd);
      files.clear();
    },
  };
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
