import { type FieldError, invalid } from './problems.ts';
import { cardNumbersIn, isPaymentCard } from '#shared/card-numbers.ts';
import { MASK } from '#shared/masking.ts';

/** More text than any valid request has; what is longer is not valid, and not repeated either. */
const SCANNED_CHARACTERS = 100_000;
const MOST_TOLD = 20;
/** No card number is so short. */
const SHORT = /^[\0-\x7F]{0,12}$/;
const DETAIL = 'looks like a card number, which has no place here: a payment method is a token (pm_...)';

/** Throws a `validation` problem that names each text or name of a field in which a card number stands, but not the number. */
export function refuseCardNumbers(value: unknown, where: NonNullable<FieldError['in']>): void {
  const found: string[] = [];
  for (const part of partsIn(value)) {
    found.push(pointerTo(part));
    if (found.length === MOST_TOLD) break;
  }
  if (found.length > 0)
    throw invalid(found.map((pointer) => ({ pointer: pointer.slice(0, 500), detail: DETAIL, in: where })));
}

/** The same for a body, but for the member in which card data may stand. */
export function refuseCardNumbersBeside(body: unknown, cardIn: string | undefined): void {
  const isPlain = cardIn === undefined || typeof body !== 'object' || body === null;
  refuseCardNumbers(isPlain ? body : { ...body, [cardIn]: undefined }, 'body');
}

export function hasCardNumber(text: string): boolean {
  return !SHORT.test(text) && cardNumbersIn(text.normalize('NFKC'), isPaymentCard).length > 0;
}

/** A path as it may be logged and repeated: parts of it in which a card number stands are masked. */
export function pathToTell(path: string): string {
  return path
    .split('/')
    .map((part) => (hasCardNumber(decoded(part)) ? MASK : part))
    .join('/');
}

/** A part of a value, and in which part under which name it stands; where that is as text is worth making only when it is told. */
interface Part {
  readonly value: unknown;
  readonly name: string | number;
  readonly within: Part | undefined;
}

/** Those that are card numbers or have names that are, outermost first. Not recursive: a body may be nested as deeply as it is long. */
function* partsIn(root: unknown): Iterable<Part> {
  let left = SCANNED_CHARACTERS;
  const open: Part[] = [{ value: root, name: '', within: undefined }];
  for (let index = 0; index < open.length && left > 0; index += 1) {
    const part = open[index]!;
    const { value } = part;
    if (typeof value === 'string' || typeof value === 'number') {
      const text = String(value).slice(0, left);
      left -= text.length + 1;
      if (hasCardNumber(text)) yield part;
    } else if (Array.isArray(value)) {
      left -= value.length;
      for (const [name, inner] of (value as readonly unknown[]).entries())
        open.push({ value: inner, name, within: part });
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, inner] of Object.entries(value)) {
        left -= name.length + 1;
        if (left <= 0) return;
        const one: Part = { value: inner as unknown, name, within: part };
        if (hasCardNumber(name)) yield one;
        open.push(one);
      }
    }
  }
}

/** The JSON pointer of a part (RFC 6901); a name that is a card number is masked. */
function pointerTo(part: Part): string {
  const names: string[] = [];
  for (let one = part; one.within !== undefined; one = one.within) {
    const name = String(one.name);
    names.push(hasCardNumber(name) ? MASK : name.slice(0, 100).replaceAll('~', '~0').replaceAll('/', '~1'));
  }
  return names
    .toReversed()
    .map((name) => `/${name}`)
    .join('');
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
