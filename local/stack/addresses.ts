import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectDir } from './own-process.ts';
import { Trouble } from './trouble.ts';

/** Where the running local stack is, for clients and checks; the file is readable only by its owner. */
export interface Addresses {
  readonly api: string;
  /** Where operators alone are answered. */
  readonly console: string;
  readonly inbox: string;
  readonly management: string;
  readonly mongo: string;
  /** With an administrator and the virtual host. */
  readonly amqp: string;
  readonly managementUser: string;
  readonly managementPassword: string;
  readonly operatorToken: string;
  /** Where each process of a service answers `/readyz`, by its name. */
  readonly health?: Readonly<Record<string, string>>;
  /** The process that holds the stack. */
  readonly pid: number;
}

/** What the local stack keeps: data, secrets, addresses, records of processes. `SWITCHYARD_DIR`: another one beside it. */
export const stackDir: string = process.env['SWITCHYARD_DIR'] ?? join(projectDir, '.switchyard');
const file = join(stackDir, 'addresses.json');

/** Makes the folder, and closes it to everybody but its owner: it holds data, passwords and keys. */
export function privateDir(dir: string): void {
  mkdirSync(dir, { recursive: true });
  chmodSync(dir, 0o700);
}

export function writeAddresses(addresses: Addresses): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(addresses, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

export function removeAddresses(): void {
  rmSync(file, { force: true });
}

/** @throws {Trouble} when no stack runs */
export function readAddresses(): Addresses {
  const addresses = findAddresses();
  if (!addresses)
    throw new Trouble(
      'No stack is running in this folder: start it with `npm start` and wait until it prints its addresses.',
    );
  return addresses;
}

export function findAddresses(): Addresses | undefined {
  try {
    const addresses = JSON.parse(readFileSync(file, 'utf8')) as Addresses;
    process.kill(addresses.pid, 0);
    return addresses;
  } catch {
    return undefined;
  }
}
