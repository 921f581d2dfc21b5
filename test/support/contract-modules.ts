import { globSync } from 'node:fs';
import type { CommandType, MessageType } from '#shared/message.ts';

const root = new URL('../../', import.meta.url);

/** The contract of every service, by its file. */
export const contractModules = await Promise.all(
  globSync('services/*/contract.ts', { cwd: root }).map(
    async (file) => [file, (await import(new URL(file, root).href)) as object] as const,
  ),
);

/** Every message of every contract. */
export const contractMessages: readonly MessageType[] = contractModules
  .flatMap(([, module]) => Object.values(module))
  .filter(isMessage);

export const contractCommands: readonly CommandType[] = contractMessages.filter((type) => type.kind === 'command');

function isMessage(value: unknown): value is MessageType {
  const kind = typeof value === 'object' && value !== null && 'kind' in value ? value.kind : undefined;
  return kind === 'command' || kind === 'event';
}
