/** `npm run strategy`: how products are priced, on the running stack or on that of `--api`. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { type Api, type ApiAnswer, apiOf } from './api.ts';
import { command } from './command.ts';
import { apiOptions, commandLine, commandSpec, hintOf } from './command-line.ts';
import { reasonOf } from '#shared/errors.ts';
import { Trouble } from '#local/stack/trouble.ts';

const spec = commandSpec({
  call: 'npm run strategy --',
  does: 'Shows how products are priced, and changes it while everything runs.',
  words: {
    'list [SKU]': 'what is active and what was; the default',
    'put SKU FILE': 'prices the product by this script from now on',
    'try SKU [FILE]': 'what the script, or the active one, would answer; changes nothing',
    'activate SKU VERSION': 'prices it by a version that it had, or by `plain`: quantity times price',
  },
  options: {
    supermarket: { type: 'string', value: 'ID', means: 'only there; without it everywhere where nothing else is said' },
    name: { type: 'string', value: 'NAME', means: "what people call it; without it the file's name" },
    case: { type: 'string', value: 'NxPRICE', multiple: true, means: 'a line to try, as 3x311: three at 3.11' },
    ...apiOptions,
  },
  examples: [
    ['put GR1 services/pricing/strategies/buy-one-get-one.js', 'one free for each one paid'],
    ['try CF1 services/pricing/strategies/fraction-from.js --case 3x1123', 'what it would answer'],
    ['list GR1', 'its versions'],
    ['activate GR1 plain', 'quantity times price again'],
  ],
  exits: '1: it could not be done, or was refused.',
});

interface Version {
  readonly name: string;
  readonly version: string;
  readonly isActive: boolean;
  readonly since: string;
  readonly by: string;
}
interface Priced {
  readonly sku: string;
  readonly supermarket?: string;
  readonly versions: readonly Version[];
}
interface Tried {
  readonly version: string;
  readonly amounts: readonly number[];
  readonly microseconds: readonly number[];
  readonly warnings: readonly string[];
}
interface Changed {
  readonly sku: string;
  readonly name?: string;
  readonly version?: string;
  readonly state?: 'pending';
  readonly warnings?: readonly string[];
}

const USUAL_CASES = ['1x100', '2x100', '3x100', '10x100', '999x100'];
const { values, positionals } = commandLine(spec);
type Verb = (api: Api, words: readonly string[]) => Promise<void>;

await command(async () => {
  const [verb = 'list', ...words] = positionals;
  const verbs: Readonly<Record<string, Verb>> = { list, put, try: tryOut, activate };
  const run = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
  if (run === undefined)
    throw new Trouble(
      `there is no ${JSON.stringify(verb)}; there are ${Object.keys(verbs).join(', ')}. ${hintOf(spec)}`,
    );
  await run(apiOf(values), words);
});

async function list(api: Api, [sku]: readonly string[]): Promise<void> {
  if (sku !== undefined) return shown(taken(await api.get<Priced>(pathOf(sku))));
  let cursor: string | undefined;
  do {
    const { items, nextCursor } = taken(
      await api.get<{ readonly items: readonly Priced[]; readonly nextCursor?: string }>(
        `/v1/pricing/strategies${queryOf({ supermarket: values.supermarket, cursor })}`,
      ),
    );
    if (items.length === 0 && cursor === undefined) say('every product costs quantity times price');
    for (const each of items) shown(each);
    cursor = nextCursor;
  } while (cursor !== undefined);
}

async function put(api: Api, [sku, file]: readonly string[]): Promise<void> {
  const source = sourceOf(file);
  const name = values.name ?? basename(file ?? '').replace(/\.[^.]+$/, '');
  const { status, body } = await api.put<Changed>(pathOf(sku), { source, name });
  const changed = taken({ status, body }, file);
  say(`${changeOf(changed)}${status === 200 ? ' (the same content: nothing new)' : ''}`);
  beware(changed.warnings ?? []);
}

async function tryOut(api: Api, [sku, file]: readonly string[]): Promise<void> {
  const cases = (values.case ?? USUAL_CASES).map(caseOf);
  const source = file === undefined ? {} : { source: sourceOf(file) };
  const { version, amounts, microseconds, warnings } = taken(
    await api.post<Tried>(pathOf(sku, 'try'), { ...source, cases }),
    file,
  );
  say(`version ${version}`);
  for (const [at, { quantity, price }] of cases.entries())
    say(`  ${quantity} at ${price}: ${amounts[at]}  (${microseconds[at]} microseconds)`);
  beware(warnings);
}

function beware(warnings: readonly string[]): void {
  for (const warning of warnings) say(`  beware: ${warning}`);
}

async function activate(api: Api, [sku, version]: readonly string[]): Promise<void> {
  if (version === undefined) throw new Trouble(`say which version: \`list ${sku ?? 'SKU'}\` shows them`);
  say(changeOf(taken(await api.post<Changed>(pathOf(sku, 'activate'), { version }))));
}

function shown({ sku, supermarket, versions }: Priced): void {
  say(`${sku}${supermarket === undefined ? '' : ` in ${supermarket}`}`);
  for (const { name, version, isActive, since, by } of versions)
    say(`  ${isActive ? 'active' : 'former'}  ${version}  ${name}  since ${since} by ${by}`);
}

function changeOf({ sku, name, version, state }: Changed): string {
  if (state === 'pending') return `${sku}: not decided yet; \`list ${sku}\` shows when it is`;
  return `${sku} is priced by ${name}, version ${version}`;
}

/** `3x311` is three at 3.11. */
function caseOf(text: string): { readonly quantity: number; readonly price: number } {
  const [, quantity, price] = /^(\d{1,15})x(\d{1,15})$/.exec(text) ?? [];
  if (quantity === undefined)
    throw new Trouble(`--case is a quantity and a price in minor units, as 3x311, not ${JSON.stringify(text)}`);
  return { quantity: Number(quantity), price: Number(price) };
}

function sourceOf(file: string | undefined): string {
  if (file === undefined) throw new Trouble(`say which file has the script. ${hintOf(spec)}`);
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Trouble(`${file} cannot be read: ${reasonOf(error)}`);
  }
}

function pathOf(sku: string | undefined, verb?: string): string {
  if (sku === undefined) throw new Trouble(`say of which product: its SKU. ${hintOf(spec)}`);
  const path = `/v1/pricing/strategies/${encodeURIComponent(sku)}${verb === undefined ? '' : `/${verb}`}`;
  return `${path}${queryOf({ supermarket: values.supermarket })}`;
}

function queryOf(given: Readonly<Record<string, string | undefined>>): string {
  const known = Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return known.length === 0 ? '' : `?${new URLSearchParams(known).toString()}`;
}

interface Refusal {
  readonly detail?: string;
  readonly line?: number;
  readonly column?: number;
}

/** The body, or what the API said, with the place in the file where there is one. */
function taken<Body>({ status, body }: Pick<ApiAnswer<Body>, 'status' | 'body'>, file?: string): Body {
  if (status < 300) return body;
  const { detail = `the gateway answered ${status}`, line, column } = (body ?? {}) as Refusal;
  if (file === undefined || line === undefined) throw new Trouble(detail);
  throw new Trouble(`${file}:${line}${column === undefined ? '' : `:${column}`}: ${detail}`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
