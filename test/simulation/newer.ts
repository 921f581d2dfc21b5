/** A deployment: messages of the next version of a service come before it does, and in part of the seeds it never does. */
import { IDS, note } from './newer-version.ts';
import type { Scheduler } from './scheduler.ts';
import type { SimulatedTown } from './town.ts';
import { encode } from '#shared/bus/envelope.ts';
import { dead, hash } from '#shared/bus/topology/topology.ts';

/** Messages of the new version to wallets that exist, and then the version itself, one process after another. */
export function deploy(
  { settings, broker, machines, version, faults, tell }: SimulatedTown,
  drawn: Scheduler,
  to: readonly string[],
): void {
  if (settings.newer === 'none') return;
  const { clock, between } = drawn;
  for (const [n, id] of IDS.entries()) {
    const customerId = to[n % to.length]!;
    clock.after(between(500, 4000), () => {
      faults.count(`newer message, its version ${settings.newer}`);
      while (
        broker.put(
          hash('wallet'),
          encode({ id, type: note.name, key: customerId, body: { customerId }, correlationId: id }),
        ) !== 'confirmed'
      );
    });
  }
  clock.after(between(3000, 8000), () => {
    tell('the next version of the wallet service is put in place');
    version.release();
    for (const machine of machines.filter(isWallet)) clock.after(between(0, 3000), () => machine.retire());
  });
}

/** Whatever started before the new version is replaced. */
export function finishDeployment({ settings, machines }: SimulatedTown): void {
  if (settings.newer === 'comes') for (const machine of machines.filter(isWallet)) machine.retire();
}

/** What became of the messages that are neither handled nor dead letters. */
export function undecided(town: SimulatedTown): readonly string[] {
  if (town.settings.newer === 'none') return [];
  const letters = deadOf(town);
  return IDS.filter((id) => !letters.has(id) && !town.record.handled.has(`wallet ${id}`));
}

/** I-23: a message of a newer version waits for that version; if it does not come, the message is kept for a person. */
export function newerMessages(town: SimulatedTown): readonly string[] {
  const { settings, record } = town;
  if (settings.newer === 'none') return [];
  const letters = deadOf(town);
  return IDS.filter((id) =>
    settings.newer === 'comes'
      ? letters.has(id) || !record.handled.has(`wallet ${id}`)
      : !letters.has(id) || record.handled.has(`wallet ${id}`),
  ).map((id) => `I-23: ${id} is ${letters.has(id) ? 'a dead letter' : 'none'}, its version ${settings.newer}`);
}

function deadOf({ broker }: SimulatedTown): ReadonlySet<string | undefined> {
  return new Set(broker.queue(dead('wallet')).ready.map(({ messageId }) => messageId));
}

function isWallet({ name }: { readonly name: string }): boolean {
  return name.startsWith('wallet-');
}
