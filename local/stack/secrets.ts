import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Made once per folder and kept: the broker's users and the clients' tokens stay valid over restarts. */
export interface Secrets {
  readonly brokerAdmin: string;
  /** Broker passwords by service. */
  readonly brokerPasswords: Readonly<Record<string, string>>;
  /** As the gateway's `TOKEN_KEYS`: `kid:secret`. */
  readonly tokenKeys: string;
  /** By service that opens cards: the secret of its key. */
  readonly cardSecrets: Readonly<Record<'verification' | 'fraud', string>>;
}

/** Reads `<dir>/secrets.json` (mode 0600), first making what is missing in it, also for services that are new. */
export function loadSecrets(dir: string, services: readonly string[]): Secrets {
  const file = join(dir, 'secrets.json');
  const known = readJson(file);
  const secrets: Secrets = {
    brokerAdmin: known.brokerAdmin ?? random(),
    brokerPasswords: {
      ...known.brokerPasswords,
      ...Object.fromEntries(services.map((name) => [name, known.brokerPasswords?.[name] ?? random()])),
    },
    cardSecrets: {
      verification: known.cardSecrets?.verification ?? randomBytes(32).toString('hex'),
      fraud: known.cardSecrets?.fraud ?? randomBytes(32).toString('hex'),
    },
    tokenKeys: known.tokenKeys ?? `local:${randomBytes(32).toString('hex')}`,
  };
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  writeFileSync(file, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
  return secrets;
}

function readJson(file: string): Partial<Secrets> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Partial<Secrets>;
  } catch {
    return {};
  }
}

function random(): string {
  return randomBytes(18).toString('base64url');
}
