/** How many workers a service has. */
import { serviceNames } from '#services/services.ts';
import { Trouble } from './trouble.ts';

/** By service; one where nothing is said. */
export type Copies = Readonly<Record<string, number>>;

/** More would only exhaust the machine. */
const MAX_COPIES = 32;

/**
 * Reads `payment=3,saga=2`.
 * @throws {Trouble} that says what is wrong and what is right
 */
export function parseCopies(text: string): Copies {
  const copies: Record<string, number> = {};
  for (const part of text.split(',')) {
    const [, name, count] = /^\s*([^=\s]+)\s*=\s*([0-9]{1,4})\s*$/.exec(part) ?? [];
    if (name === undefined || count === undefined)
      throw new Trouble(`--workers ${text}: ${JSON.stringify(part)} is not like payment=3`);
    if (!serviceNames.includes(name))
      throw new Trouble(`--workers ${text}: there is no service ${name}; there are ${serviceNames.join(', ')}`);
    if (Object.hasOwn(copies, name)) throw new Trouble(`--workers ${text}: ${name} is there twice`);
    if (Number(count) < 1 || Number(count) > MAX_COPIES)
      throw new Trouble(`--workers ${text}: ${name} can have 1 to ${MAX_COPIES} workers`);
    copies[name] = Number(count);
  }
  return copies;
}

/** One process of a service. */
export interface Copy {
  readonly service: string;
  /** Of the process: `payment` when it is the only one, else `payment-1`, `payment-2` ... */
  readonly name: string;
  /** Kept over restarts. */
  readonly worker: string;
}

export function copiesOf(service: string, copies: Copies): readonly Copy[] {
  const count = copies[service] ?? 1;
  return Array.from({ length: count }, (_, index) => {
    const worker = `${service}-${index + 1}`;
    return { service, name: count === 1 ? service : worker, worker };
  });
}

/** Every process of every service. */
export function allCopies(copies: Copies): readonly Copy[] {
  return serviceNames.flatMap((service) => copiesOf(service, copies));
}
