/** Values from schemas: mostly such as the schema takes, and those with something broken in them. */
import fc from 'fast-check';
import { z } from 'zod';

export const CARD = '4111111111111111';

interface Schema {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly type?: string;
  readonly format?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
}

/** Texts of which most fields take one. */
const plausible = ['alice', 'a@example.com', 'o1', 'l1', 'sku-1', 'wallet', '1', '20', 'pm_ok', 'because', 'e1'];

const odd: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  2 ** 53,
  1e308,
  -0,
  '',
  ' ',
  '\0',
  '\ud800',
  '\u202e\u2066',
  '\r\nBcc: x@example.com',
  '__proto__',
  'constructor',
  'toString',
  '💥'.repeat(60),
  'x'.repeat(300),
  'é'.repeat(40_000),
  '%00',
  '../../etc/passwd',
  '${7*7}{{7*7}}',
  CARD,
  '4111-1111-1111-1111',
  [],
  {},
  { $ne: null },
  { $gt: '' },
  [[[[[]]]]],
  Array.from({ length: 3000 }, () => 0),
];

export const oddText = fc.oneof(
  fc.constantFrom(...odd.filter((value) => typeof value === 'string')),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
);
export const oddValue = fc.oneof(fc.constantFrom(...odd), fc.jsonValue({ maxDepth: 3 }), oddText);

/** What the schema takes in, as far as JSON Schema can say it. */
export function fromSchema(schema: z.ZodType, texts: readonly string[] = plausible): fc.Arbitrary<unknown> {
  const root = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Schema;
  return arbitraryOf(root, root, texts);
}

function arbitraryOf(schema: Schema, root: Schema, texts: readonly string[]): fc.Arbitrary<unknown> {
  const inner = (part: Schema): fc.Arbitrary<unknown> => arbitraryOf(part, root, texts);
  if (schema.$ref !== undefined) {
    const target = schema.$ref === '#' ? root : root.$defs?.[schema.$ref.split('/').at(-1) ?? ''];
    return target === undefined ? oddValue : inner(target);
  }
  if (schema.enum !== undefined) {
    const any = fc.constantFrom(...schema.enum);
    // An order has one currency.
    return schema.enum.includes('EUR')
      ? fc.oneof({ weight: 30, arbitrary: fc.constant('EUR') }, { weight: 1, arbitrary: any })
      : any;
  }
  if ('const' in schema) return fc.constant(schema.const);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return fc.oneof(...choices.map(inner));
  switch (schema.type) {
    case 'object': {
      const properties = Object.entries(schema.properties ?? {}).map(
        ([name, part]) => [name, name === 'customerId' ? mostly('alice', inner(part)) : inner(part)] as const,
      );
      if (properties.length === 0 && typeof schema.additionalProperties === 'object')
        return fc.dictionary(fc.constantFrom(...texts), inner(schema.additionalProperties), { maxKeys: 3 });
      return fc.record(Object.fromEntries(properties), {
        requiredKeys: [...(schema.required ?? [])],
        noNullPrototype: true,
      });
    }
    case 'array':
      return fc.array(inner(schema.items ?? {}), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.max(schema.minItems ?? 0, Math.min(schema.maxItems ?? 4, 4)),
      });
    case 'string':
      if (schema.format === 'email') return mostly('a@example.com', fc.constantFrom(...texts));
      return fc.oneof(
        { weight: 12, arbitrary: fc.constantFrom(...texts) },
        { weight: 1, arbitrary: fc.string({ minLength: 1, maxLength: 40 }) },
      );
    case 'integer':
    case 'number': {
      const min = Math.ceil(Math.max(schema.minimum ?? (schema.exclusiveMinimum ?? -1e6) + 1, -1e15));
      const max = Math.max(min, Math.floor(Math.min(schema.maximum ?? 1e6, 1e15)));
      const low = Math.max(min, Math.min(max, 1));
      return fc.oneof(
        { weight: 8, arbitrary: fc.integer({ min: low, max: Math.min(max, low + 1000) }) },
        { weight: 1, arbitrary: fc.integer({ min, max }) },
      );
    }
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    default:
      return oddValue;
  }
}

function mostly(usual: string, otherwise: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 9, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: otherwise });
}

/** The value with one thing wrong, anywhere in it. */
export function broken(whole: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const change = fc.oneof(
    { weight: 6, arbitrary: oddValue.map((value) => ({ kind: 'replace', value }) as const) },
    { weight: 2, arbitrary: fc.constant({ kind: 'remove' } as const) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(oddText, oddValue)
        .map(([name, value]) => ({ kind: 'add', name: name.slice(0, 300), value }) as const),
    },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 2000 }).map((depth) => ({ kind: 'nest', depth }) as const) },
  );
  return fc.tuple(whole, fc.nat(), change).map(([value, where, how]) => changed(value, where, how));
}

type Change =
  | { readonly kind: 'replace'; readonly value: unknown }
  | { readonly kind: 'remove' }
  | { readonly kind: 'add'; readonly name: string; readonly value: unknown }
  | { readonly kind: 'nest'; readonly depth: number };

function changed(value: unknown, where: number, change: Change): unknown {
  const root = { value: structuredClone(value) };
  const places: [object, string][] = [];
  const walk = (parent: object): void => {
    for (const [name, inner] of Object.entries(parent)) {
      places.push([parent, name]);
      if (typeof inner === 'object' && inner !== null && places.length < 200) walk(inner as object);
    }
  };
  walk(root);
  const [parent, name] = places[where % places.length] ?? [root, 'value'];
  const set = (at: object, field: string, to: unknown): void => {
    Object.defineProperty(at, field, { value: to, enumerable: true, configurable: true, writable: true });
  };
  switch (change.kind) {
    case 'replace':
      set(parent, name, change.value);
      break;
    case 'remove':
      Reflect.deleteProperty(parent, name);
      break;
    case 'add': {
      const inner = (parent as Record<string, unknown>)[name];
      set(typeof inner === 'object' && inner !== null ? inner : parent, change.name, change.value);
      break;
    }
    case 'nest': {
      let nested: unknown = 0;
      for (let depth = 0; depth < change.depth; depth += 1) nested = depth % 2 ? [nested] : { a: nested };
      set(parent, name, nested);
    }
  }
  return root.value;
}
