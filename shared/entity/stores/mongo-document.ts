import type { JournalRecord } from '#shared/entity/entity.ts';
import type { Document, Handled, Stashed, Unsent } from '#shared/entity/store.ts';

/** How a document is stored: the key is `_id`, empty lists are left out. */
export interface StoredDocument<State> {
  readonly _id: string;
  readonly version: number;
  readonly state?: State;
  readonly handled?: readonly Handled[];
  readonly stash?: readonly Stashed[];
  readonly unsent?: readonly Unsent[];
  readonly journal?: readonly JournalRecord[];
  readonly traceparent?: string;
  readonly dueAt?: number;
  readonly partition?: string;
  readonly spilledUntil?: number;
}

export function storedOf<State>(document: Document<State>): StoredDocument<State> {
  const { key, version, state, handled, stash, unsent, journal, traceparent, dueAt, partition, spilledUntil } =
    document;
  return {
    _id: key,
    version,
    ...(state === undefined ? {} : { state }),
    ...(handled.length === 0 ? {} : { handled }),
    ...(stash.length === 0 ? {} : { stash }),
    ...(unsent.length === 0 ? {} : { unsent }),
    ...(journal.length === 0 ? {} : { journal }),
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(dueAt === undefined ? {} : { dueAt }),
    ...(partition === undefined ? {} : { partition }),
    ...(spilledUntil === undefined ? {} : { spilledUntil }),
  };
}

export function documentOf<State>(stored: StoredDocument<State>): Document<State> {
  const { traceparent, dueAt, partition, spilledUntil } = stored;
  return {
    key: stored._id,
    version: stored.version,
    state: stored.state,
    handled: stored.handled ?? [],
    stash: stored.stash ?? [],
    unsent: stored.unsent ?? [],
    journal: stored.journal ?? [],
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(dueAt === undefined ? {} : { dueAt }),
    ...(partition === undefined ? {} : { partition }),
    ...(spilledUntil === undefined ? {} : { spilledUntil }),
  };
}
