import { createHash } from 'node:crypto';

/** 160 bits of SHA-256 over the UTF-8 bytes: no two contents with the same version can be made. */
export function versionOf(source: string): string {
  return createHash('sha256').update(source, 'utf8').digest('hex').slice(0, 40);
}
