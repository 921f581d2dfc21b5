/** `npm run dead-letters`: what nobody could handle, on the running stack or on that of `--api`. */
import { MAX_RATE_PER_S } from '#services/dead-letters/contract.ts';
import type { LetterView } from '#services/dead-letters/letter-shape.ts';
import { type ApiAnswer, type Api, apiOf } from './api.ts';
import { command, numberOf } from './command.ts';
import { apiOptions, commandLine, commandSpec, hintOf } from './command-line.ts';
import { Trouble } from '#local/stack/trouble.ts';

const spec = commandSpec({
  call: 'npm run dead-letters --',
  does: 'Shows what nobody could handle, and sends it again or discards it.',
  words: {
    list: 'the dead letters, newest first; the default',
    causes: 'how many there are of each cause',
    'show ID': 'one letter with all that is known of it',
    'replay ID...': 'sends these again, or those of a --cause, --route or --type',
    'discard ID...': 'gives these up, or those of a --cause, --route or --type; needs a --reason',
  },
  options: {
    route: { type: 'string', value: 'ROUTE', means: 'only those of this route, e.g. wallet' },
    type: { type: 'string', value: 'TYPE', means: 'only messages of this type, e.g. wallet.hold' },
    cause: { type: 'string', value: 'CAUSE', means: 'only those of this cause, as `causes` shows it' },
    state: { type: 'string', value: 'STATE', means: 'only those that are dead, replaying, resolved or discarded' },
    order: { type: 'string', value: 'ID', means: 'only those of this order' },
    limit: { type: 'string', value: 'N', means: 'how many are listed' },
    rate: { type: 'string', value: 'N', means: 'how many are sent again a second' },
    reason: { type: 'string', value: 'TEXT', means: 'why they are given up; kept with them' },
    ...apiOptions,
  },
  examples: [
    ['causes', 'what is wrong, most frequent first'],
    ['list --route wallet', 'the dead letters of the wallet'],
    ['replay --cause "wallet: no such account"', 'all of one cause again, after it was mended'],
    ['discard 019a... --reason "a test order"', 'one that nobody needs'],
  ],
  exits: '1: it could not be done.',
});

type Values = { readonly [Name in keyof typeof spec.options]?: string | undefined };
interface Cause {
  readonly cause: string;
  readonly route: string;
  readonly types: readonly string[];
  readonly count: number;
  readonly states: Readonly<Record<string, number>>;
  /** Past their deadline: they need nobody. */
  readonly obsolete?: number;
  readonly lastFailureAt: string;
}

const { values, positionals } = commandLine(spec);

await command(async () => {
  const [verb = 'list', ...ids] = positionals;
  await verbOf(verb)(apiOf(values), values, ids);
});

function verbOf(verb: string): (api: Api, values: Values, ids: readonly string[]) => Promise<void> {
  const verbs = { list, causes, show, replay, discard };
  if (!Object.hasOwn(verbs, verb))
    throw new Trouble(
      `there is no ${JSON.stringify(verb)}; there are ${Object.keys(verbs).join(', ')}. ${hintOf(spec)}`,
    );
  return verbs[verb as keyof typeof verbs];
}

async function list(api: Api, { route, type, cause, state, order, limit }: Values): Promise<void> {
  const query = queryOf({ route, type, cause, state, orderId: order, limit });
  const { items, nextCursor } = taken(
    await api.get<{ readonly items: readonly LetterView[]; readonly nextCursor?: string }>(`/v1/dead-letters${query}`),
  );
  for (const letter of items) say(lineOf(letter));
  if (items.length === 0) say(query === '' ? 'no dead letters' : 'no dead letters match');
  else if (nextCursor !== undefined) say('... and more: --limit, or a narrower filter');
}

async function causes(api: Api, { route, state }: Values): Promise<void> {
  const { items } = taken(
    await api.get<{ readonly items: readonly Cause[] }>(`/v1/dead-letters/causes${queryOf({ route, state })}`),
  );
  for (const { cause, route: where, types, count, states, obsolete = 0, lastFailureAt } of items) {
    const late = obsolete === 0 ? [] : [`${obsolete} of them obsolete`];
    const each = [...Object.entries(states).map(([name, number]) => `${number} ${name}`), ...late];
    say(`${count} x  ${where}  ${types.join(', ')}  last ${lastFailureAt}\n    ${cause}\n    ${each.join(', ')}`);
  }
  if (items.length === 0) say('no dead letters');
}

async function show(api: Api, _: Values, [id]: readonly string[]): Promise<void> {
  say(JSON.stringify(taken(await api.get(pathOf(id))), null, 2));
}

async function replay(api: Api, { route, type, cause, rate }: Values, ids: readonly string[]): Promise<void> {
  const filter = { ...(ids.length > 0 && { ids }), ...given({ route, type, cause }) };
  if (Object.keys(filter).length === 0)
    throw new Trouble(`say which: <id>..., --cause, --route or --type. ${hintOf(spec)}`);
  const ratePerS = rate === undefined ? undefined : numberOf('--rate', rate, 0.1, MAX_RATE_PER_S);
  const [only, ...others] = ids;
  if (only !== undefined && others.length === 0 && [route, type, cause, rate].every((value) => value === undefined))
    return say(lineOf(taken(await api.post<LetterView>(`${pathOf(only)}/replay`, {}))));
  const body = { ...filter, ...(ratePerS !== undefined && { ratePerS }) };
  const { selected, ratePerS: most } = taken(
    await api.post<{ readonly selected: number; readonly ratePerS: number }>('/v1/dead-letters/replay', body),
  );
  if (selected === 0)
    return say('nothing to replay: only what is dead is chosen, and nothing that is broken or obsolete');
  const of = ids.length > selected ? ` of ${ids.length} (the others are not dead, or broken, or do not exist)` : '';
  say(`${selected}${of} to be replayed, at most ${most} a second; \`causes\` shows how far it is`);
}

async function discard(api: Api, { reason, route, type, cause }: Values, ids: readonly string[]): Promise<void> {
  if (reason === undefined) throw new Trouble('say why: --reason "..."');
  const filter = given({ route, type, cause });
  if (Object.keys(filter).length > 0) {
    const body = { ...filter, ...(ids.length > 0 && { ids }), reason };
    const { selected } = taken(await api.post<{ readonly selected: number }>('/v1/dead-letters/discard', body));
    return say(selected === 0 ? 'nothing to discard: only what is dead is chosen' : `${selected} discarded`);
  }
  for (const path of ids.length === 0 ? [pathOf(undefined)] : ids.map(pathOf))
    say(lineOf(taken(await api.post<LetterView>(`${path}/discard`, { reason }))));
}

function lineOf(letter: LetterView): string {
  const { id, state, route, failures, lastFailureAt, cause, reason, replay: last } = letter;
  const { type = '?', orderId = '', step, undo } = letter;
  const about = step === undefined ? orderId : `${orderId} (${undo === true ? 'undo of ' : ''}${step})`;
  const problem = last?.problem === undefined ? '' : ` [replay: ${last.problem}]`;
  const kind = kindOf(letter);
  const why = reason.split('\n', 1)[0] ?? cause;
  return `${id}  ${state}  ${route} ${type}  ${about}  ${failures} x, last ${lastFailureAt}\n    ${why}${kind}${problem}`;
}

function kindOf({ state, broken, obsolete }: LetterView): string {
  if (state !== 'dead') return '';
  if (obsolete === true)
    return ' (obsolete: its deadline has passed or its order has ended, nobody has to do anything)';
  return broken === undefined ? '' : ' (broken: it can only be discarded)';
}

function pathOf(id: string | undefined): string {
  if (id === undefined) throw new Trouble(`say which one: its id, as \`list\` shows it. ${hintOf(spec)}`);
  return `/v1/dead-letters/${encodeURIComponent(id)}`;
}

function queryOf(values: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams(given(values)).toString();
  return query === '' ? '' : `?${query}`;
}

function given(values: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

function taken<Body>({ status, body }: ApiAnswer<Body>): Body {
  if (status < 300) return body;
  throw new Trouble((body as { readonly detail?: string } | undefined)?.detail ?? `the gateway answered ${status}`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
