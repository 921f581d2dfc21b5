import { isUtf8 } from 'node:buffer';
import type { Connection } from 'mongoose';
import type { LetterState } from './contract.ts';
import { bytesOfLetter, stepOf } from './letter.ts';
import type { CauseView, LetterDetails, LetterView } from './letter-shape.ts';
import { obsoleteAt } from './choosing.ts';
import { deadLettersCollection, type StoredLetter, type StoredPacket } from './model.ts';
import { wayBack } from './way-back.ts';
import type { HeaderTable } from '#shared/bus/bus.ts';
import { systemClock, type Clock } from '#shared/clock.ts';
import { masked, maskText } from '#shared/masking.ts';
import type { Page, PageQuery } from '#shared/web/cursors.ts';

export interface LetterFilter {
  readonly route?: string | undefined;
  readonly type?: string | undefined;
  readonly cause?: string | undefined;
  readonly state?: LetterState | undefined;
  readonly orderId?: string | undefined;
}

export interface LetterQueries {
  /** The newest failure first. `cursor` is the `nextCursor` of the page before; anything else is ignored. */
  list(filter: LetterFilter, query: PageQuery): Promise<Page<LetterView>>;
  find(id: string): Promise<LetterDetails | undefined>;
  /** What is still open of an order, newest first, at most 20. */
  openOf(orderId: string): Promise<readonly LetterView[]>;
  /** How many letters of each route have which cause, by state; the most frequent first. */
  causes(filter: Pick<LetterFilter, 'route' | 'state'>): Promise<{ readonly items: readonly CauseView[] }>;
}

/** The longest body that is shown. */
const SHOWN_BYTES = 64 * 1024;
const LIST_FIELDS = { packet: 0, failures: 0 } as const;

/** Read-only queries on what nobody could handle. */
export function deadLetterView(db: Connection, clock: Pick<Clock, 'now'> = systemClock): LetterQueries {
  const itemOf = (letter: Parameters<typeof itemAt>[0]): LetterView => itemAt(letter, clock.now());
  const letters = () => db.collection<StoredLetter>(deadLettersCollection);
  return {
    async list(filter, { limit, cursor }) {
      const found = await letters()
        .find({ ...criteria(filter), ...below(cursor) }, { projection: LIST_FIELDS })
        .sort({ lastFailureAt: -1, _id: -1 })
        .limit(limit + 1)
        .toArray();
      const page = found.slice(0, limit);
      const last = page.at(-1);
      const items = page.map(itemOf);
      return found.length > limit && last
        ? { items, nextCursor: `${last.lastFailureAt.getTime()}-${last._id}` }
        : { items };
    },

    async find(id) {
      const found = await letters().findOne({ _id: id });
      return found === null ? undefined : detailsOf(found, clock.now());
    },

    async openOf(orderId) {
      const found = await letters()
        .find({ correlationId: orderId, state: { $in: ['dead', 'replaying'] } }, { projection: LIST_FIELDS })
        .sort({ lastFailureAt: -1, _id: -1 })
        .limit(20)
        .toArray();
      return found.map(itemOf);
    },

    async causes(filter) {
      const groups = await letters()
        .aggregate<CauseGroup>([
          { $match: criteria(filter) },
          {
            $group: {
              _id: { cause: '$cause', route: '$route', type: '$type', state: '$state' },
              count: { $sum: 1 },
              firstFailureAt: { $min: '$firstFailureAt' },
              lastFailureAt: { $max: '$lastFailureAt' },
            },
          },
        ])
        .toArray();
      const late = await letters()
        .aggregate<LateGroup>([
          { $match: { ...criteria({ route: filter.route }), ...obsoleteAt(new Date(clock.now())) } },
          { $group: { _id: { cause: '$cause', route: '$route' }, count: { $sum: 1 } } },
        ])
        .toArray();
      const byCause = Map.groupBy(groups, ({ _id }) => `${_id.route} ${_id.cause}`);
      const obsolete = new Map(late.map(({ _id, count }) => [`${_id.route} ${_id.cause}`, count]));
      const items = [...byCause]
        .map(([name, all]) => causeOf(all, obsolete.get(name) ?? 0))
        .toSorted((a, b) => b.count - a.count);
      return { items: items.slice(0, 500) };
    },
  };
}

interface CauseGroup {
  readonly _id: {
    readonly cause: string;
    readonly route: string;
    readonly type?: string | null;
    readonly state: LetterState;
  };
  readonly count: number;
  readonly firstFailureAt: Date;
  readonly lastFailureAt: Date;
}

interface LateGroup {
  readonly _id: { readonly cause: string; readonly route: string };
  readonly count: number;
}

function causeOf(groups: readonly CauseGroup[], obsolete: number): CauseView {
  const { cause, route } = groups[0]!._id;
  const states: Partial<Record<LetterState, number>> = {};
  for (const { _id, count } of groups) states[_id.state] = (states[_id.state] ?? 0) + count;
  return {
    cause,
    route,
    types: [...new Set(groups.map(({ _id }) => maskText(_id.type ?? 'none')))].toSorted(),
    count: groups.reduce((sum, { count }) => sum + count, 0),
    states,
    /** So many of the dead ones are past their deadline, or of an order that has ended, and need nobody. */
    obsolete: (states.dead ?? 0) === 0 ? 0 : obsolete,
    firstFailureAt: new Date(Math.min(...groups.map((group) => group.firstFailureAt.getTime()))).toISOString(),
    lastFailureAt: new Date(Math.max(...groups.map((group) => group.lastFailureAt.getTime()))).toISOString(),
  };
}

function criteria({ orderId, ...filter }: LetterFilter): object {
  const given = Object.entries({ ...filter, correlationId: orderId }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given);
}

function below(cursor: string | undefined): object {
  const [, ms, id] = /^([0-9]{1,15})-([0-9a-f]{32})$/.exec(cursor ?? '') ?? [];
  if (ms === undefined || id === undefined) return {};
  const at = new Date(Number(ms));
  return { $or: [{ lastFailureAt: { $lt: at } }, { lastFailureAt: at, _id: { $lt: id } }] };
}

function itemAt(letter: Omit<StoredLetter, 'packet' | 'failures'>, now: number): LetterView {
  const { _id, route, state, type, key, messageId, correlationId, cause, reason, attempts, failureCount } = letter;
  const { firstFailureAt, lastFailureAt, replay, replays, discarded, broken, deadline, orderEndedAt } = letter;
  const step = stepOf(messageId, correlationId);
  return {
    id: _id,
    route,
    state,
    ...(deadline && { deadline: deadline.toISOString() }),
    ...(orderEndedAt && { orderEndedAt: orderEndedAt.toISOString() }),
    ...(state === 'dead' && isObsolete(letter, now) && { obsolete: true as const }),
    ...texts({ type, key, messageId, orderId: correlationId }),
    ...step,
    ...texts({ broken }),
    cause,
    reason,
    attempts,
    failures: failureCount,
    firstFailureAt: firstFailureAt.toISOString(),
    lastFailureAt: lastFailureAt.toISOString(),
    replays: replays ?? 0,
    ...(replay && {
      replay: {
        requestId: replay.id,
        by: replay.by,
        requestedAt: replay.requestedAt.toISOString(),
        ratePerS: replay.ratePerS,
        ...(replay.publishedAt && { publishedAt: replay.publishedAt.toISOString() }),
        ...(replay.problem !== undefined && { problem: replay.problem }),
      },
    }),
    ...(state === 'discarded' &&
      discarded && {
        discarded: {
          requestId: discarded.id,
          by: discarded.by,
          reason: maskText(discarded.reason),
          at: discarded.at.toISOString(),
        },
      }),
  };
}

/** Past its deadline, or of an order that has ended: its owner would not act on it, so it is not sent again and needs nobody. */
function isObsolete({ deadline, orderEndedAt }: Pick<StoredLetter, 'deadline' | 'orderEndedAt'>, now: number): boolean {
  return orderEndedAt !== undefined || (deadline !== undefined && deadline.getTime() < now);
}

function detailsOf(letter: StoredLetter, now: number): LetterDetails {
  const { route, packet, failures, broken } = letter;
  const headers = JSON.parse(packet.headers) as HeaderTable;
  const exchange = broken === undefined ? wayBack(route, headers) : undefined;
  return {
    ...deadlineOf(headers),
    ...itemAt(letter, now),
    failureList: failures.map(({ at, reason, attempts }) => ({ at: at.toISOString(), reason, attempts })).toReversed(),
    ...(exchange === undefined ? {} : { replaysTo: exchange }),
    message: {
      ...texts({
        contentType: packet.contentType,
        type: packet.type,
        messageId: packet.messageId,
        correlationId: packet.correlationId,
      }),
      headers: masked(headers) as Readonly<Record<string, unknown>>,
      ...bodyOf(packet.content),
    },
  };
}

/** After it the owner does not act on the message any more, and only says so. */
function deadlineOf({ deadline }: HeaderTable): { readonly deadline?: string } {
  return typeof deadline === 'number' && Number.isSafeInteger(deadline) && Math.abs(deadline) <= 8.64e15
    ? { deadline: new Date(deadline).toISOString() }
    : {};
}

interface ShownBody {
  readonly bytes: number;
  readonly body?: unknown;
  readonly text?: string;
}

/** `body`: what the JSON says; `text`: what is no JSON; neither: it is no text, or long. */
function bodyOf(content: StoredPacket['content']): ShownBody {
  const bytes = bytesOfLetter(content);
  const size = { bytes: bytes.length };
  if (bytes.length > SHOWN_BYTES || !isUtf8(bytes)) return size;
  try {
    return { ...size, body: masked(JSON.parse(bytes.toString())) };
  } catch {
    return { ...size, text: maskText(bytes.toString()) };
  }
}

function texts<Name extends string>(
  values: Readonly<Record<Name, string | undefined>>,
): { readonly [_ in Name]?: string } {
  const given = Object.entries<string | undefined>(values).filter(
    (entry): entry is [Name, string] => entry[1] !== undefined,
  );
  return Object.fromEntries(given.map(([name, value]) => [name, maskText(value)])) as { readonly [_ in Name]?: string };
}
