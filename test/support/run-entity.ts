import { runOf } from '#shared/entity/entity.ts';
import type { Entity, Handler, JournalRecord } from '#shared/entity/entity.ts';
import type { CommandType, EventType, Message } from '#shared/message.ts';

export interface Told {
  /** Default: a fresh id. The same id again is a duplicate. */
  readonly id?: string;
  readonly deadline?: number;
  readonly rememberUntil?: number;
  readonly traceparent?: string;
  /** What rides in the document. */
  readonly unwritten?: readonly JournalRecord[];
}

export interface Answered {
  readonly type: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** One entity without an engine: applies messages in turn, an id that was handled before changes nothing again. */
export function runEntity<State>(entity: Entity<State>, clock: { now: number } = { now: 1_000_000 }) {
  const handled = new Map<string, Answered>();
  const journal = new Map<string, JournalRecord>();
  let state: State | undefined;
  let fresh = 0;

  return {
    clock,
    journal,
    get state() {
      return state;
    },
    /** Sends a command and returns its one answer; throws if the handler answered twice, not at all, or with a wrong type. */
    async tell<Body>(type: CommandType<Body>, body: NoInfer<Body>, told: Told = {}): Promise<Answered> {
      const id = told.id ?? `m-${(fresh += 1)}`;
      const before = handled.get(id);
      if (before) return before;
      const { unwritten = [], ...headers } = told;
      const message: Message = {
        ...headers,
        id,
        type: type.name,
        key: type.key(body),
        body: type.body.parse(body),
        correlationId: 'order-1',
        replyTo: { route: 'saga', key: 'order-1' },
      };
      const handler = entity.handlers.find((one) => one.type.name === type.name);
      if (!handler) throw new Error(`${entity.route} does not handle ${type.name}`);
      const signal = new AbortController().signal;
      const looked = lookedUp(handler, state, message.body, journal);
      const recorded = (one: string) => unwritten.find((record) => record.id === one) ?? looked.get(one);
      const { route } = entity;
      const options = { route, message, now: clock.now, attempt: 1, unwritten, recorded, signal: () => signal };
      const run = runOf(options);
      const result = await handler.handle(state, message.body, run.context);
      const sent = (result.send ?? []).filter((send) => send !== undefined);
      const answer = sent[0]?.message;
      const expected = [type.done, type.refused].find((one) => one?.name === answer?.type);
      if (sent.length !== 1 || !answer || !expected) {
        throw new Error(
          `${type.name} was not answered exactly once: ${JSON.stringify(sent.map((one) => one.message.type))}`,
        );
      }
      expected.body.parse(answer.body);
      const answered: Answered = { type: answer.type, body: answer.body as Answered['body'] };
      handled.set(id, answered);
      for (const record of result.journal ?? []) if (!journal.has(record.id)) journal.set(record.id, record);
      state = structuredClone(result.state);
      return answered;
    },
    /** An answer to somebody else that the entity hears as well; throws if it sends anything. */
    async hear<Body>(type: EventType<Body>, body: NoInfer<Body>): Promise<void> {
      const id = `m-${(fresh += 1)}`;
      const message: Message = { id, type: type.name, key: 'order-1', body, correlationId: 'order-1' };
      const signal = new AbortController().signal;
      const { route } = entity;
      const run = runOf({ route, message, now: clock.now, attempt: 1, unwritten: [], signal: () => signal });
      const handler = entity.handlers.find((one) => one.type.name === type.name);
      if (!handler) throw new Error(`${route} does not hear ${type.name}`);
      const { state: next, send = [] } = await handler.handle(state, type.body.parse(body), run.context);
      if (send.length > 0) throw new Error(`${route} sent something when it heard ${type.name}`);
      state = structuredClone(next);
    },
    /** Forgets the handled ids, as an engine does after their deadline. */
    forget() {
      handled.clear();
    },
  };
}

/** What a handler asks for, and nothing else. */
function lookedUp<State>(
  handler: Handler<State>,
  state: State | undefined,
  body: unknown,
  journal: ReadonlyMap<string, JournalRecord>,
): ReadonlyMap<string, JournalRecord> {
  const asked = new Set<string>();
  const found = new Map<string, JournalRecord>();
  for (;;) {
    const ids = (handler.recalls?.(state, body, (id) => found.get(id)) ?? []).filter((id) => !asked.has(id));
    if (ids.length === 0) return found;
    for (const id of ids) {
      asked.add(id);
      const record = journal.get(id);
      if (record !== undefined) found.set(id, record);
    }
  }
}
