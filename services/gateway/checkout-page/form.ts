import type { IncomingMessage } from 'node:http';
import { readBytes } from '#shared/web/body.ts';
import { Problem } from '#shared/web/problems.ts';

const LIMITS = { limitBytes: 64 * 1024, drainBytes: 1024 * 1024 };

/** A field of the page: its name in the form is where it stands in the request. */
export interface Field {
  /** Without the leading slash of the pointer, parts joined with dots: `user.name`. */
  readonly name: string;
  readonly label: string;
  readonly autocomplete: string;
  readonly inputmode?: 'numeric' | 'email';
  readonly hint?: string;
  /** It is not written into a page again. */
  readonly secret?: true;
}

export const fields: readonly Field[] = [
  { name: 'user.name', label: 'Name', autocomplete: 'name' },
  { name: 'user.contact', label: 'E-mail', autocomplete: 'email', inputmode: 'email' },
  { name: 'billingAddress.street', label: 'Street', autocomplete: 'billing street-address' },
  { name: 'billingAddress.city', label: 'City', autocomplete: 'billing address-level2' },
  { name: 'billingAddress.state', label: 'State', autocomplete: 'billing address-level1' },
  { name: 'billingAddress.zip', label: 'Postal code', autocomplete: 'billing postal-code' },
  { name: 'billingAddress.country', label: 'Country', autocomplete: 'billing country-name' },
  { name: 'creditCard.number', label: 'Card number', autocomplete: 'cc-number', inputmode: 'numeric', secret: true },
  { name: 'creditCard.expirationDate', label: 'Expires', autocomplete: 'cc-exp', hint: 'MM/YY' },
  { name: 'creditCard.cvv', label: 'Security code', autocomplete: 'cc-csc', inputmode: 'numeric', secret: true },
];

export type Values = Readonly<Record<string, string>>;

/** Reads an HTML form. Throws `Problem`: unsupported-media-type, payload-too-large, malformed-json. */
export async function readForm(request: IncomingMessage): Promise<Values> {
  if (!/^application\/x-www-form-urlencoded\b/i.test(request.headers['content-type'] ?? ''))
    throw new Problem('unsupported-media-type', 'the page sends a form');
  return Object.fromEntries(new URLSearchParams(String(await readBytes(request, LIMITS))));
}

/** The request that the form means. */
export function requestOf(values: Values, customerId: string): object {
  const part = (group: string) =>
    Object.fromEntries(
      fields.flatMap(({ name }) => {
        const [owner, member = ''] = name.split('.');
        return owner === group ? [[member, values[name] ?? '']] : [];
      }),
    );
  const { sku = '', quantity = '' } = values;
  return {
    customerId,
    user: part('user'),
    billingAddress: part('billingAddress'),
    creditCard: part('creditCard'),
    items: sku === '' || quantity.trim() === '' || quantity.trim() === '0' ? [] : [{ sku, quantity: Number(quantity) }],
    giftWrapping: values['giftWrapping'] === 'on',
    termsAccepted: values['termsAccepted'] === 'on',
  };
}

/** The field that a JSON pointer of the request means. */
export function fieldAt(pointer: string): string {
  if (pointer.startsWith('/items')) return 'quantity';
  return pointer.slice(1).replaceAll('/', '.');
}
