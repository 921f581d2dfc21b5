import { createAlarms } from './alarms.ts';
import { type QuestionContext, type QuestionHandler, QuestionProblem } from './question.ts';
import type { AskedQuestion, AskedQuestions } from './wire.ts';
import type { Clock } from '#shared/clock.ts';
import { reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';
import { traceIdOf } from '#shared/web/trace.ts';

/** `dropped`: nobody waited for the answer any more. `late`: nor for that of a handler which had begun and not ended. */
export type AnsweredHow = 'answered' | 'problem' | 'broken' | 'dropped' | 'late';

export interface AnsweringOptions {
  readonly handlers: readonly QuestionHandler[];
  readonly clock: Clock;
  readonly log: Log;
  /** What the document of a key says, as far as it is committed. */
  readonly stateOf: (key: string) => Promise<unknown>;
  /** Handlers that may be at work at once; the others wait for their turn. */
  readonly concurrency?: number;
  /** Told of every question that was answered or dropped; of a type that nobody knows here as `unknown`. */
  readonly onAnswered?: ((type: string, how: AnsweredHow) => void) | undefined;
}

/** The answer to one question, as far as there is anything to tell: no answer to what nobody waits for. */
export type Give = (id: number, given: object) => void;

const CONCURRENCY = 1000;
const MAX_REASON = 500;
/** However far off a deadline is, no handler holds its slot and its packet longer: far less than the broker waits for an acknowledgement. */
const MOST_MS = 600_000;
/** What whoever sends writes for a type must not make names without an end. */
const UNKNOWN = 'unknown';

/**
 * Runs the handlers of questions, each as soon as there is room; one that answers at once is done in this turn. One that has not ended
 * at the deadline gives its room back, whether or not it heeds its signal: what comes of it is thrown away.
 */
export function createAnswering(
  options: AnsweringOptions,
): (asked: AskedQuestions, give: Give, onDone: () => void) => void {
  const { clock, log, stateOf, concurrency = CONCURRENCY, onAnswered } = options;
  const handlers = new Map(options.handlers.map((handler) => [handler.type.name, handler]));
  /** Questions at work, by asker and number: a second copy is none. */
  const atWork = new Set<string>();
  const waiting: (() => void)[] = [];
  const alarms = createAlarms<() => void>(clock, (ring) => ring());
  let running = 0;
  let isFilling = false;

  /** Begins what waits, as far as there is room. What is done in its turn makes room for the next one here, however many follow. */
  function fill(): void {
    if (isFilling) return;
    isFilling = true;
    try {
      while (running < concurrency && waiting.length > 0) waiting.shift()!();
    } finally {
      isFilling = false;
    }
  }

  function begin(asked: AskedQuestions, one: AskedQuestion, state: StateOnce, give: Give, onDone: () => void): void {
    const name = `${asked.asker} ${one.id}`;
    if (atWork.has(name)) return onDone();
    atWork.add(name);
    waiting.push(() => {
      running += 1;
      work(asked, one, state, give, () => {
        running -= 1;
        atWork.delete(name);
        onDone();
        fill();
      });
    });
    fill();
  }

  /** Calls `onDone` once. */
  function work(
    { type, key }: AskedQuestions,
    one: AskedQuestion,
    state: StateOnce,
    give: Give,
    onDone: () => void,
  ): void {
    let late: AbortController | undefined;
    let alarm: { cancel(): void } | undefined;
    let isOver = false;
    const tell = (how: AnsweredHow, given?: object): void => {
      if (isOver) return;
      isOver = true;
      alarm?.cancel();
      if (given !== undefined) give(one.id, given);
      onAnswered?.(handlers.has(type) ? type : UNKNOWN, how);
      onDone();
    };
    const giveUp = (): void => {
      late?.abort();
      tell('late');
    };
    const signal = (): AbortSignal => {
      late ??= new AbortController();
      if (isOver) late.abort();
      return late.signal;
    };
    const breaks = (reason: string): void => tell('broken', { broken: reason.slice(0, MAX_REASON) });
    const fail = (error: unknown): void => {
      if (isOver) return;
      if (error instanceof QuestionProblem) {
        const { code, message, members } = error;
        return tell('problem', { problem: { code, message, members } });
      }
      log.warn('a question cannot be answered', {
        type,
        key,
        reason: reasonOf(error),
        traceId: traceIdOf(one.traceparent),
      });
      breaks(reasonOf(error));
    };
    const now = clock.now();
    if (now > one.deadline) return tell('dropped');
    const handler = handlers.get(type);
    if (handler === undefined) return breaks(`nobody knows the question ${type} here`);
    const body = handler.type.body.safeParse(one.body);
    if (!body.success) return breaks(`it is no such question: ${body.error.message}`);
    if (handler.type.key(body.data) !== key) return breaks('its key is not the one of its body');
    try {
      const result = handler.handle(body.data, contextOf(now, key, one, state, signal));
      if (!(result instanceof Promise)) return tell('answered', { answer: result });
      alarm = alarms.set(giveUp, clock.elapsed() + Math.min(one.deadline - now, MOST_MS));
      result.then((answer: unknown) => tell('answered', { answer }), fail);
    } catch (error) {
      fail(error);
    }
  }

  return (asked, give, onDone) => {
    let open = asked.questions.length;
    if (open === 0) return onDone();
    let read: Promise<unknown> | undefined;
    const state = (): Promise<unknown> => (read ??= stateOf(asked.key));
    for (const one of asked.questions)
      begin(asked, one, state, give, () => {
        open -= 1;
        if (open === 0) onDone();
      });
  };
}

/** Questions that came together about one key share what was read of it. */
type StateOnce = () => Promise<unknown>;

function contextOf(
  now: number,
  key: string,
  { deadline, traceparent }: AskedQuestion,
  state: StateOnce,
  signal: () => AbortSignal,
): QuestionContext {
  return {
    key,
    now,
    deadline,
    traceparent,
    state,
    get signal() {
      return signal();
    },
  };
}
