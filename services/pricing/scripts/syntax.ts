import { type Node, parse } from 'acorn';
import type { Problem } from './contract.ts';
import type { ScriptLimits } from './limits.ts';

/** The text of a function that runs the whole script and returns its default function; lines are one further down. */
export interface Parsed {
  readonly factory: string;
  readonly warnings: readonly string[];
}

type AnyNode = Node & Readonly<Record<string, unknown>>;

/** What a strategy has no use for, and what would let it wait, remember or hide why it failed. */
const REFUSED: Readonly<Record<string, string>> = {
  ImportDeclaration: '`import` is not allowed: a strategy sees nothing else',
  ImportExpression: '`import()` is not allowed: a strategy sees nothing else',
  ExportNamedDeclaration: '`export` is not allowed but of the default function',
  ExportAllDeclaration: '`export` is not allowed but of the default function',
  AwaitExpression: '`await` is not allowed: a strategy answers at once',
  YieldExpression: '`yield` is not allowed: a strategy answers at once',
  TryStatement: '`try` is not allowed: what fails must be seen to fail',
  DebuggerStatement: '`debugger` is not allowed',
};

/** Parses a source and writes it as a factory, or says what is wrong with it and where; a pure function. */
export function parsed(source: string, limits: Pick<ScriptLimits, 'sourceBytes'>): Parsed | readonly Problem[] {
  const unfit = unfitText(source, limits.sourceBytes);
  if (unfit !== undefined) return [unfit];
  let program: AnyNode;
  try {
    program = parse(source, {
      ecmaVersion: 2023,
      sourceType: 'module',
      allowAwaitOutsideFunction: false,
      preserveParens: true,
      locations: true,
    }) as unknown as AnyNode;
  } catch (error) {
    return [syntaxProblem(error)];
  }
  const { problems, divides } = walked(program);
  if (problems.length > 0) return problems;
  const defaults = (program['body'] as readonly AnyNode[]).filter(({ type }) => type === 'ExportDefaultDeclaration');
  const [only] = defaults;
  if (only === undefined)
    return [{ message: 'it has no default function: write `export default ({ quantity, price, round }) => ...`' }];
  return { factory: factoryOf(source, only), warnings: divides ? [DIVIDES] : [] };
}

const DIVIDES =
  'it divides, rounds or multiplies by fractions: binary fractions are not exact, `round(numerator, denominator)` is';

function unfitText(source: string, sourceBytes: number): Problem | undefined {
  const bytes = Buffer.byteLength(source);
  if (bytes > sourceBytes) return { message: `its source has ${bytes} bytes, more than ${sourceBytes}` };
  if (!source.isWellFormed()) return { message: 'its source is not Unicode: it has half of a surrogate pair' };
  for (const mark of ['<!--', '-->']) {
    const at = source.indexOf(mark);
    // Outside modules they begin comments: what is read here and what runs would differ.
    if (at !== -1) return { message: `\`${mark}\` is not allowed: write spaces between`, ...placeOf(source, at) };
  }
  return undefined;
}

function syntaxProblem(error: unknown): Problem {
  if (error instanceof SyntaxError && 'loc' in error) {
    const { line, column } = error.loc as { readonly line: number; readonly column: number };
    return { message: error.message.replace(/ \(\d+:\d+\)$/, ''), line, column: column + 1 };
  }
  return { message: 'it is nested too deeply to be read' };
}

/** All that is refused, and whether numbers may become fractions. A list instead of recursion: depth is the author's. */
function walked(program: AnyNode): { readonly problems: readonly Problem[]; readonly divides: boolean } {
  const problems: Problem[] = [];
  let divides = false;
  const open: unknown[] = [program];
  while (open.length > 0) {
    const each = open.pop();
    if (Array.isArray(each)) open.push(...(each as readonly unknown[]));
    if (!isNode(each)) continue;
    const refused = refusal(each);
    if (refused !== undefined) problems.push({ message: refused, ...startOf(each) });
    divides ||= becomesFraction(each);
    open.push(...Object.values(each).filter((value) => typeof value === 'object' && value !== null));
  }
  const order = (problem: Problem): number => (problem.line ?? 0) * 1e6 + (problem.column ?? 0);
  return { problems: problems.sort((a, b) => order(a) - order(b)).slice(0, 10), divides };
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === 'object' && value !== null && typeof (value as { readonly type?: unknown }).type === 'string';
}

function refusal(node: AnyNode): string | undefined {
  if (node['async'] === true) return '`async` is not allowed: a strategy answers at once';
  if (node['generator'] === true) return '`function*` is not allowed: a strategy answers at once';
  if (node.type === 'ForOfStatement' && node['await'] === true)
    return '`for await` is not allowed: a strategy answers at once';
  if (node.type === 'Literal' && node['regex'] !== undefined)
    return 'a regular expression is not allowed: there is no text to search';
  if (node.type === 'MetaProperty' && (node['meta'] as AnyNode)['name'] === 'import')
    return '`import.meta` is not allowed: a strategy sees nothing else';
  return REFUSED[node.type];
}

function becomesFraction(node: AnyNode): boolean {
  if (node.type === 'BinaryExpression' || node.type === 'AssignmentExpression')
    return /^(\/|\/=)$/.test(String(node['operator']));
  return node.type === 'Literal' && typeof node['value'] === 'number' && !Number.isInteger(node['value']);
}

function startOf(node: AnyNode): { readonly line: number; readonly column: number } {
  const { line, column } = node.loc!.start;
  return { line, column: column + 1 };
}

function placeOf(source: string, at: number): { readonly line: number; readonly column: number } {
  const before = source.slice(0, at).split(/\r\n|[\n\r\u2028\u2029]/);
  return { line: before.length, column: before.at(-1)!.length + 1 };
}

/** `export default` makes room for a constant of the same length, so that lines and columns stay what the author sees. */
function factoryOf(source: string, node: AnyNode): string {
  const declaration = node['declaration'] as AnyNode;
  const name = (declaration['id'] as AnyNode | null | undefined)?.['name'] as string | undefined;
  const isDeclared = declaration.type === 'FunctionDeclaration' || declaration.type === 'ClassDeclaration';
  const named = isDeclared && name !== undefined;
  const chosen = named ? name : unusedName(source);
  const words = source.slice(node.start, declaration.start);
  const instead = named ? '' : `const ${chosen} =`;
  const room = instead + words.slice(instead.length).replace(/[^\n\r\u2028\u2029]/g, ' ');
  const whole = `${source.slice(0, node.start)}${room}${source.slice(declaration.start, declaration.end)}`;
  return `function () { 'use strict';\n${whole};${source.slice(declaration.end)}\nreturn ${chosen};\n}`;
}

function unusedName(source: string): string {
  let name = '$';
  for (let n = 0; source.includes(name); n += 1) name = `$${n.toString(36)}`;
  return name;
}
