import type { EntityAnswer, Entity, JournalRecord, Result } from './entity.ts';
import type { Limits } from './options.ts';
import type { Document, Handled, RememberedId, Stashed, Unsent } from './store.ts';
import { WAKE, type Message, type Send } from '#shared/message.ts';

/** The document of a key that has none yet. */
export function emptyDocument<State>(key: string): Document<State> {
  return { key, version: 0, state: undefined, handled: [], stash: [], unsent: [], journal: [] };
}

/** What the engine learned since the last commit and may now leave out of the document. */
export interface Acknowledged {
  /** Ids of handled messages all of whose sends the broker confirmed. */
  readonly confirmed: ReadonlySet<string>;
  /** Ids of journal records that are in the journal. */
  readonly appended: ReadonlySet<string>;
}

export interface Applied<State> {
  readonly document: Document<State>;
  readonly send: readonly Send[];
}

/** The document after `message` was handled with `result`: one version further, the id remembered, what is stale dropped. */
export function applied<State>(
  document: Document<State>,
  message: Message,
  result: Result<State>,
  answer: EntityAnswer | undefined,
  now: number,
  limits: Limits,
  known: Acknowledged,
): Applied<State> {
  const send = (result.send ?? []).filter((one) => one !== undefined);
  const rest = answer === undefined ? send : send.filter((one) => one.message.id !== `${message.id}>${answer.type}`);
  const until = message.rememberUntil ?? message.deadline;
  const handled: Handled = {
    id: message.id,
    ...(until === undefined ? {} : { until: Math.min(until, now + limits.rememberMs) + limits.skewMs }),
    ...(answer === undefined ? {} : { answer }),
    ...(rest.length === 0 ? {} : { sent: rest }),
  };
  return {
    document: {
      ...document,
      version: document.version + 1,
      state: result.state,
      handled: [
        ...kept(document.handled, now, limits, known),
        ...(message.type === WAKE && rest.length === 0 ? [] : [handled]),
      ],
      journal: [...pending(document.journal, known), ...(result.journal ?? [])],
      ...(message.traceparent === undefined ? {} : { traceparent: message.traceparent }),
    },
    send,
  };
}

/** Handled ids past their time go, oldest first, but never so many that a redelivered prefetch would find none of its own. */
function kept(handled: readonly Handled[], now: number, limits: Limits, { confirmed }: Acknowledged): Handled[] {
  const removable = handled.length - limits.prefetch;
  const left: Handled[] = [];
  for (const [index, one] of handled.entries()) {
    const isConfirmed = confirmed.has(one.id);
    if (isConfirmed && one.id.startsWith(WAKE)) continue;
    if (index < removable && one.until !== undefined && one.until <= now) continue;
    left.push(isConfirmed && one.sent !== undefined ? withoutSent(one) : one);
  }
  return left;
}

function withoutSent({ sent: _sent, ...rest }: Handled): Handled {
  return rest;
}

function pending(journal: readonly JournalRecord[], known: Acknowledged): readonly JournalRecord[] {
  return known.appended.size === 0 ? journal : journal.filter((record) => !known.appended.has(record.id));
}

/** The document with these lists instead; one version further, because everything that is written is a version. */
export function withLists<State>(
  document: Document<State>,
  lists: { readonly stash?: readonly Stashed[]; readonly unsent?: readonly Unsent[] },
): Document<State> {
  return { ...document, ...lists, version: document.version + 1 };
}

/** The stash with these at its end, or before those that came by another partition: the old one's messages go first. */
export function stashedInto(stash: readonly Stashed[], more: readonly Stashed[]): readonly Stashed[] {
  const at = more[0]?.movedTo === undefined ? stash.findIndex(({ movedTo }) => movedTo !== undefined) : -1;
  return at === -1 ? [...stash, ...more] : stash.toSpliced(at, 0, ...more);
}

/** The document without the head of its stash, which is done with; what that caused is unsent until it was sent. */
export function unstashed<State>(done: Document<State>, sends: readonly Send[], now: number): Document<State> {
  const unsent = sends.map((send) => ({ send, attempts: 0, reason: 'not sent yet', since: now, nextTryAt: now }));
  const movedTo = done.stash[0]?.movedTo;
  return {
    ...done,
    // Others that came by the same partition do not count as moved any more: what comes by it now stands behind them.
    stash: done.stash.slice(1).map((one) => (one.movedTo === movedTo ? withoutMovedTo(one) : one)),
    unsent: [...done.unsent, ...unsent],
    ...(movedTo === undefined ? {} : { partition: movedTo }),
  };
}

function withoutMovedTo({ movedTo: _movedTo, ...rest }: Stashed): Stashed {
  return rest;
}

/** It holds nothing: a message waited in it that was never handled. */
function isEmpty<State>({ state, handled, stash, unsent, journal, spilledUntil }: Document<State>): boolean {
  return (
    state === undefined &&
    spilledUntil === undefined &&
    [handled, stash, unsent, journal].every(({ length }) => length === 0)
  );
}

/** When the entity itself wants to be woken. */
export function ownDueAt<State>(document: Document<State>, entity: Entity<State>): number | undefined {
  return document.state === undefined ? undefined : entity.dueAt?.(document.state);
}

/** An empty document is kept for so long: longer than anybody has an older one of the same key in memory. */
const EMPTY_KEPT_MS = 24 * 3_600_000;

/** The document with `dueAt` and `expiresAt` as its parts demand. */
export function withTimes<State>(document: Document<State>, entity: Entity<State>, now: number): Document<State> {
  const { dueAt: _dueAt, expiresAt: _expiresAt, ...rest } = document;
  if (isEmpty(document)) return { ...rest, expiresAt: now + EMPTY_KEPT_MS };
  let dueAt = ownDueAt(document, entity) ?? Infinity;
  const [head] = document.stash;
  if (head !== undefined) dueAt = head.leasedUntil === undefined ? Math.min(dueAt, head.nextTryAt) : head.nextTryAt;
  for (const one of document.unsent) dueAt = Math.min(dueAt, one.nextTryAt);
  return dueAt === Infinity ? rest : { ...rest, dueAt };
}

/**
 * Takes the oldest handled ids out of the document, so that `keep` stay: those past their time are dropped, the others are to be
 * remembered outside before the document without them is written. Only ids that `committed` has: of another nobody knows yet whether
 * it will have been handled.
 */
export function spilled<State>(
  document: Document<State>,
  committed: Document<State>,
  keep: number,
  now: number,
  limits: Limits,
): { readonly document: Document<State>; readonly records: readonly RememberedId[] } {
  const ids = new Set(committed.handled.map(({ id }) => id));
  const surplus = document.handled.length - keep;
  const records: RememberedId[] = [];
  let spilledUntil = document.spilledUntil ?? 0;
  const handled = document.handled.filter((one, index) => {
    if (index >= surplus || !ids.has(one.id)) return true;
    const until = one.until ?? now + limits.rememberMs;
    if (until <= now) return false;
    records.push({ key: document.key, handled: { ...one, until } });
    spilledUntil = Math.max(spilledUntil, until);
    return false;
  });
  return { document: { ...document, handled, ...(spilledUntil > 0 ? { spilledUntil } : {}) }, records };
}

/** What it takes as JSON; nearly what it takes in the database. Costs as much as writing it: not for every message. */
export function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value) ?? '');
}

/** So many of the oldest, which stand first, that the rest takes no more than `maxBytes`. */
export function oldestOver<Item>(
  items: readonly Item[],
  bytesOf: (item: Item) => number,
  maxBytes: number,
): readonly Item[] {
  let bytes = 0;
  const last = items.findLastIndex((item) => (bytes += bytesOf(item)) > maxBytes);
  return items.slice(0, last + 1);
}
