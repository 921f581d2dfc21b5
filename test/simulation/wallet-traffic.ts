/** What comes to the wallets past the gateways: money, and undos of what nobody did. */
import { UNWANTED } from './refusing.ts';
import type { SimulatedTown } from './town.ts';
import { release, topUp } from '#services/wallet/contract.ts';
import type { Packet } from '#shared/bus/bus.ts';
import { encode } from '#shared/bus/envelope.ts';
import { hash, inbox } from '#shared/bus/topology/topology.ts';

export const CUSTOMERS = ['ann', 'ben', 'cora', 'dan'];
export const FUNDS = 30_000;
export const UNWANTED_TOP_UPS = ['unwanted-1', 'unwanted-2', 'unwanted-3'];
const UNDOS = 12;

/** Fills the wallets, without faults. */
export function payIn({ broker }: SimulatedTown): void {
  for (const customerId of CUSTOMERS) broker.put(inbox('wallet'), topUpOf(customerId, `top-up-${customerId}`));
}

/** What is paid in among all the orders for the one whose wallet cannot be written; always past the gate, which may refuse it. */
export function payInForUnwanted({ broker, scheduler, settings, faults }: SimulatedTown, overMs: number): void {
  if (!settings.refusesOne) return;
  for (const id of UNWANTED_TOP_UPS)
    scheduler.clock.after(scheduler.between(0, overMs), () => {
      while (broker.put(hash('wallet'), topUpOf(UNWANTED, id)) !== 'confirmed');
    });
  faults.count('document refused');
}

/** Undo of what nobody did, one after another to each wallet for so long: changes nothing, and tells the order in which it is handled. */
export function sendUndos({ broker, scheduler }: SimulatedTown, forMs: number): void {
  const { clock, between } = scheduler;
  for (const customerId of CUSTOMERS) {
    for (let n = 0; n < UNDOS; n += 1)
      clock.after(between(0, forMs), () => broker.put(hash('wallet'), undoOf(customerId, `undo-${customerId}-${n}`)));
  }
}

/** A sender that is not sure that any of its messages arrived sends all of them again, among new ones. */
export function sendAllAgain({ broker, scheduler, settings }: SimulatedTown, overMs: number): void {
  const { clock, between } = scheduler;
  if (settings.limits.handledIds === undefined) return;
  for (const customerId of CUSTOMERS) {
    const put = (n: number) => broker.put(hash('wallet'), undoOf(customerId, `sent-${customerId}-${n}`));
    const at = between(0, overMs);
    clock.after(at, () => {
      for (let n = 0; n < UNDOS; n += 1) put(n);
    });
    clock.after(at + between(50, 1000), () => {
      for (let n = 0; n < UNDOS; n += 1) {
        put(UNDOS + n);
        put(n);
      }
    });
  }
}

function undoOf(customerId: string, id: string): Packet {
  const body = { customerId, orderId: id, holdId: id, of: id };
  return encode({ id, type: release.name, key: customerId, body, correlationId: id });
}

function topUpOf(customerId: string, id: string): Packet {
  const body = { customerId, topUpId: id, amount: { amount: FUNDS, currency: 'EUR' } };
  return encode({ id, type: topUp.name, key: customerId, body, correlationId: id });
}
