import { Query } from 'mingo';
import { MongoFailure, failureOf } from './failure.ts';
import { type Doc, decode, decodeTyped, elements, encode, fromElements } from './raw.ts';

export type Project = (raw: Buffer) => Buffer;

/** Compiles a projection. Plain inclusion and exclusion keep every BSON type; expressions are mingo's. */
export function compileProjection(spec: Doc): Project | undefined {
  const fields = Object.entries(spec);
  if (fields.length === 0) return undefined;
  if (fields.some(([path]) => path.includes('$')))
    throw new MongoFailure(238, 'positional projection is not supported');
  if (fields.some(([, value]) => typeof value === 'object' || typeof value === 'string')) return computed(spec);
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
