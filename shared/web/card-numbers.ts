import { type FieldError, invalid } from './problems.ts';
import { cardNumbersIn, isPaymentCard } from '#shared/card-numbers.ts';
import { MASK } from '#shared/masking.ts';

/** More text than any valid request has; what is longer is not valid, and not repeated either. */
const SCANNED_CHARACTERS = 100_000;
const DETAIL = 'looks like a card number, which has no place here: a payment method is a token (pm_...)';

/** Throws a `validation` problem that names each text or name of a field in which a card number stands, but not the number. */
export function refuseCardNumbers(value: unknown, where: NonNullable<FieldError['in']>): void {
  const found = [...placesIn(value)].slice(0, 20);
  if (found.length > 0)
    throw invalid(found.map((pointer) => ({ pointer: pointer.slice(0, 500), detail: DETAIL, in: where })));
}

/** The same for a body, but for the member in which card data may stand. */
export function refuseCardNumbersBeside(body: unknown, cardIn: string | undefined): void {
  const isPlain = cardIn === undefined || typeof body !== 'object' || body === null;
  refuseCardNumbers(isPlain ? body : { ...body, [cardIn]: undefined }, 'body');
}

export function hasCardNumber(text: string): boolean {
  return cardNumbersIn(text.normalize('NFKC'), isPaymentCard).length > 0;
}

/** A path as it may be logged and repeated: parts of it in which a card number stands are masked. */
export function pathToTell(path: string): string {
  return path
    .split('/')
    .map((part) => (hasCardNumber(decoded(part)) ? MASK : part))
    .join('/');
}

/** JSON pointers, outermost first. Not recursive: a body may be nested as deeply as it is long. */
function* placesIn(root: unknown): Iterable<string> {
  let left = SCANNED_CHARACTERS;
  const open: { readonly at: string; readonly value: unknown }[] = [{ at: '', value: root }];
  for (let index = 0; index < open.length && left > 0; index += 1) {
    const { at, value } = open[index] as (typeof open)[number];
    if (typeof value === 'string' || typeof value === 'number') {
      const text = String(value).slice(0, left);
      left -= text.length + 1;
      if (hasCardNumber(text)) yield at;
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, inner] of Object.entries(value)) {
        left -= name.length + 1;
        if (left <= 0) return;
        const isCard = !Array.isArray(value) && hasCardNumber(name);
        const place = `${at}/${isCard ? MASK : name.slice(0, 100).replaceAll('~', '~0').replaceAll('/', '~1')}`;
        if (isCard) yield place;
        open.push({ at: place, value: inner });
      }
    }
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
