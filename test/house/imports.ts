/** Who imports what, read from the text: every import and re-export that is still there when the types are gone. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const STATEMENT = /^(?:import|export)\s+(type\s+)?(?:([^;']*?)\s*from\s+)?'([^']+)';/gm;

/** What a file imports: files as paths from the root of the project, packages by their names. */
export function importsOf(file: string): readonly string[] {
  return [...readFileSync(file, 'utf8').matchAll(STATEMENT)].flatMap(([, type, names = '', from = '']) =>
    type !== undefined || isOnlyTypes(names) ? [] : [placeOf(file, from)],
  );
}

function isOnlyTypes(names: string): boolean {
  const [, list] = /^\{([^}]*)\}$/s.exec(names.trim()) ?? [];
  const each = (list ?? '').split(',').filter((name) => name.trim() !== '');
  return each.length > 0 && each.every((name) => name.trim().startsWith('type '));
}

function placeOf(file: string, from: string): string {
  if (from.startsWith('./')) return join(dirname(file), from);
  return from.startsWith('#') ? from.slice(1) : from;
}

/** Every file that these files lead to, each with the way to it from the one that begins. */
export function reachedFrom(roots: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const ways = new Map<string, readonly string[]>(roots.map((root) => [root, [root]]));
  for (const [file, way] of ways) {
    if (!file.endsWith('.ts')) continue;
    for (const next of importsOf(file)) if (!ways.has(next)) ways.set(next, [...way, next]);
  }
  return ways;
}
