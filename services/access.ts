import type { Caller } from '#shared/web/endpoint.ts';
import { Problem } from '#shared/web/problems.ts';

/**
 * An operator sees everything, a customer its own. What an id names without saying whose it is (orders, payments,
 * timelines, mails) is "not found" for a stranger; what names its customer (wallets, placing an order) is "forbidden".
 */
export function sees(caller: Caller, customerId: string): boolean {
  return caller.role === 'operator' || (caller.role === 'customer' && caller.subject === customerId);
}

export function requireCustomer(caller: Caller, customerId: string): void {
  if (!sees(caller, customerId)) throw new Problem('forbidden', 'this token is for another customer');
}
