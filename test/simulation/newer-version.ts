/** The next version of the wallet service, which knows a message more. */
import { z } from 'zod';
import type { Settings } from './settings.ts';
import { on, type Entity } from '#shared/entity/entity.ts';
import { command } from '#shared/message.ts';

export const note = command('wallet.note', {
  body: z.object({ customerId: z.string().max(100) }),
  key: (body) => body.customerId,
});
export const IDS = ['note-1', 'note-2', 'note-3'];

export interface NewerVersion {
  /** The entity as a process has it that starts now. */
  of(service: string, entity: Entity<unknown>): Entity<unknown>;
  /** From now on processes start in the new version. */
  release(): void;
}

export function newerVersion({ newer }: Settings): NewerVersion {
  let released = false;
  return {
    of: (service, entity) =>
      released && service === 'wallet'
        ? { ...entity, handlers: [...entity.handlers, on(note, (state) => ({ state }))] }
        : entity,
    release() {
      released = newer === 'comes';
    },
  };
}
