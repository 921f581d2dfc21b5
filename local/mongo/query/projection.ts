import { Query } from 'mingo';
import { MongoFailure, failureOf } from '#local/mongo/protocol/failure.ts';
import { compileFilter } from './filter.ts';
import { type Doc, decode, decodeTyped, elements, encode, fromElements, kind } from '#local/mongo/protocol/raw.ts';

export type Project = (raw: Buffer) => Buffer;

/** Compiles a projection. Plain inclusion and exclusion keep every BSON type; expressions are mingo's. */
export function compileProjection(spec: Doc): Project | undefined {
  const fields = Object.entries(spec);
  if (fields.length === 0) return undefined;
  if (fields.some(([path]) => path.includes('$')))
    throw new MongoFailure(238, 'positional projection is not supported');
  if (fields.some(([, value]) => typeof value === 'object' || typeof value === 'string'))
    return firstMatches(fields) ?? computed(spec);
  const modes = new Set(fields.filter(([path]) => path !== '_id').map(([, value]) => Boolean(value)));
  if (modes.size > 1) throw new MongoFailure(31254, 'a projection includes or excludes fields, not both');
  const includes = modes.size === 0 ? Boolean(spec['_id']) : modes.has(true);
  const withId = '_id' in spec ? Boolean(spec['_id']) : true;
  const paths = fields.map(([path]) => path).filter((path) => path !== '_id');
  const nested = paths.some((path) => path.includes('.'));
  if (includes)
    return nested ? nestedOf(withId ? ['_id', ...paths] : paths, keep) : topLevel(new Set(paths), true, withId);
  return nested ? nestedOf(withId ? paths : ['_id', ...paths], omit) : topLevel(new Set(paths), false, withId);
}

function topLevel(names: ReadonlySet<string>, includes: boolean, withId: boolean): Project {
  return (raw) => {
    const kept: Buffer[] = [];
    for (const { name, element, end } of elements(raw)) {
      if (name === '_id' ? withId : names.has(name) === includes) kept.push(raw.subarray(element, end));
    }
    return fromElements(kept);
  };
}

/** Top-level fields, and of some arrays only the first element that matches: `{ list: { $elemMatch: { id: 1 } }, other: 1 }`. */
function firstMatches(fields: readonly (readonly [string, unknown])[]): Project | undefined {
  const wanted = new Map<string, ((item: Buffer) => boolean) | undefined>();
  let withId = true;
  for (const [name, value] of fields) {
    if (name.includes('.')) return undefined;
    const condition = isPlain(value) && Object.keys(value).length === 1 ? value['$elemMatch'] : undefined;
    if (isPlain(condition) && !Object.keys(condition).some((field) => field.startsWith('$'))) {
      const filter = compileFilter(encode(condition));
      filter.check();
      wanted.set(name, filter.matches);
    } else if (name === '_id' && !value) withId = false;
    else if (value === 1 || value === true) wanted.set(name, undefined);
    else return undefined;
  }
  return (raw) => {
    const kept: Buffer[] = [];
    for (const { name, type, element, at, end } of elements(raw)) {
      if (name === '_id' ? !withId : !wanted.has(name)) continue;
      const matches = wanted.get(name);
      if (matches === undefined) {
        kept.push(raw.subarray(element, end));
        continue;
      }
      if (type !== kind.array) continue;
      const first = elements(raw, at).find(
        (item) => item.type === kind.object && matches(raw.subarray(item.at, item.end)),
      );
      if (first !== undefined) kept.push(arrayOf(name, raw.subarray(first.element, first.end)));
    }
    return fromElements(kept);
  };
}

/** The element `name`: an array of that one element, whose own name becomes its index. */
function arrayOf(name: string, item: Buffer): Buffer {
  const value = item.subarray(item.indexOf(0) + 1);
  const array = fromElements([Buffer.concat([item.subarray(0, 1), Buffer.from('0\0'), value])]);
  return Buffer.concat([Buffer.from([kind.array]), Buffer.from(`${name}\0`), array]);
}

interface Tree {
  readonly [name: string]: Tree | true;
}

function nestedOf(paths: readonly string[], project: (value: unknown, tree: Tree) => unknown): Project {
  const tree: Record<string, unknown> = {};
  for (const path of paths) {
    let node = tree;
    const parts = path.split('.');
    for (const part of parts.slice(0, -1)) node = (node[part] ??= {}) as Record<string, unknown>;
    if (typeof node !== 'object') throw new MongoFailure(9, `the projection of ${path} collides with another path`);
    node[parts.at(-1)!] = true;
  }
  return (raw) => encode(project(decodeTyped(raw), tree as Tree) as Doc);
}

function isPlain(value: unknown): value is Doc {
  return typeof value === 'object' && value !== null && !('_bsontype' in value) && !(value instanceof Date);
}

function keep(value: unknown, tree: Tree): unknown {
  if (Array.isArray(value)) return value.filter(isPlain).map((item) => keep(item, tree));
  const kept: Doc = {};
  for (const [name, field] of Object.entries(value as Doc)) {
    const below = Object.hasOwn(tree, name) ? tree[name] : undefined;
    if (below === true) kept[name] = field;
    else if (below !== undefined && isPlain(field)) kept[name] = keep(field, below);
  }
  return kept;
}

function omit(value: unknown, tree: Tree): unknown {
  if (Array.isArray(value)) return (value as unknown[]).map((item) => (isPlain(item) ? omit(item, tree) : item));
  const kept: Doc = {};
  for (const [name, field] of Object.entries(value as Doc)) {
    const below = Object.hasOwn(tree, name) ? tree[name] : undefined;
    if (below === true) continue;
    kept[name] = below !== undefined && isPlain(field) ? omit(field, below) : field;
  }
  return kept;
}

function computed(spec: Doc): Project {
  const query = new Query({}, { scriptEnabled: false });
  return (raw) => {
    try {
      return encode(query.find<Doc>([decode(raw)], spec).all()[0]!);
    } catch (error) {
      throw failureOf(error);
    }
  };
}
