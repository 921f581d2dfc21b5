import type { HeaderTable, HeaderValue } from './bus.ts';

/** Why a message that nobody could handle lies in `<route>.dead`. Written and read here alone, as the headers `dead-*`. */
export interface DeadLetterNote {
  readonly reason: string;
  /** The route that it was for. */
  readonly route: string;
  /** How often it was tried. */
  readonly attempts: number;
  /** Epoch ms. */
  readonly at: number;
}

const PREFIX = 'dead-';
const REASON = `${PREFIX}reason`;
const ROUTE = `${PREFIX}route`;
const ATTEMPTS = `${PREFIX}attempts`;
const AT = `${PREFIX}at`;
/** The start of a long reason is enough for a person, and leaves room for the message's own headers. */
const MAX_REASON = 1000;

/** The headers to be added to a message that becomes a dead letter. */
export function deadLetterHeaders({ reason, route, attempts, at }: DeadLetterNote): HeaderTable {
  return {
    [REASON]: reason.slice(0, MAX_REASON),
    [ROUTE]: route,
    [ATTEMPTS]: attempts,
    [AT]: new Date(at).toISOString(),
  };
}

/** What they say. A field that is missing or is none of ours is absent: anybody may publish to a queue of dead letters. */
export function deadLetterNoteIn(headers: HeaderTable): Partial<DeadLetterNote> {
  const reason = textIn(headers[REASON]);
  const route = textIn(headers[ROUTE]);
  const attempts = headers[ATTEMPTS];
  const at = Date.parse(textIn(headers[AT]) ?? '');
  return {
    ...(reason !== undefined && { reason }),
    ...(route !== undefined && { route }),
    ...(typeof attempts === 'number' && Number.isSafeInteger(attempts) && attempts >= 0 && { attempts }),
    ...(!Number.isNaN(at) && { at }),
  };
}

export function isDeadLetterHeader(name: string): boolean {
  return name.startsWith(PREFIX);
}

const textIn = (value: HeaderValue | undefined): string | undefined => (typeof value === 'string' ? value : undefined);
