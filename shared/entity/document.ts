import type { Answer } from './context.ts';
import type { Entity, JournalRecord, Result } from './entity.ts';
import type { Limits } from './limits.ts';
import type { Document, Handled, Stashed, Unsent } from './store.ts';
import { WAKE, type Message, type Send } from '#shared/message.ts';

/** The document of a key that has none yet. */
export function emptyDocument<State>(key: string): Document<State> {
  return { key, version: 0, state: undefined, handled: [], stash: [], unsent: [], journal: [] };
}

/** What the engine learned since the last commit and may now leave out of the document. */
export interface Known {
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
  answer: Answer | undefined,
  now: number,
  limits: Limits,
  known: Known,
): Applied<State> {
  const send = (result.send ?? []).filter((one) => one !== undefined);
  const rest = answer === undefined ? send : send.filter((one) => one.message.id !== `${message.id}>${answer.type}`);
  const until = message.rememberUntil ?? message.deadline;
  const handled: Handled = {
    id: message.id,
    ...(until === undefined ? {} : { until: until + limits.skewMs }),
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
function kept(handled: readonly Handled[], now: number, limits: Limits, known: Known): Handled[] {
  const removable = handled.length - limits.prefetch;
  return handled
    .filter((one) => !(one.id.startsWith(WAKE) && known.confirmed.has(one.id)))
    .filter((one, index) => index >= removable || one.until === undefined || one.until > now)
    .map((one) => (one.sent !== undefined && known.confirmed.has(one.id) ? withoutSent(one) : one));
}

function withoutSent({ sent: _sent, ...rest }: Handled): Handled {
  return rest;
}

function pending(journal: readonly JournalRecord[], known: Known): readonly JournalRecord[] {
  return known.appended.size === 0 ? journal : journal.filter((record) => !known.appended.has(record.id));
}

/** The document with these lists instead; one version further, because everything that is written is a version. */
export function withLists<State>(
  document: Document<State>,
  lists: { readonly stash?: readonly Stashed[]; readonly unsent?: readonly Unsent[] },
): Document<State> {
  return { ...document, ...lists, version: document.version + 1 };
}

/** The document with `dueAt` as its parts demand. */
export function withDueAt<State>(document: Document<State>, entity: Entity<State>): Document<State> {
  const { dueAt: _dueAt, ...rest } = document;
  const own = document.state === undefined ? undefined : entity.dueAt?.(document.state);
  const times = [
    ...(own === undefined ? [] : [own]),
    ...document.stash.slice(0, 1).map((one) => one.nextTryAt),
    ...document.unsent.map((one) => one.nextTryAt),
  ];
  return times.length === 0 ? rest : { ...rest, dueAt: Math.min(...times) };
}
