import { createAlarms } from './alarms.ts';
import { type Ask, QuestionError, QuestionProblem, type QuestionFailure, type QuestionType } from './question.ts';
import { answersOf, type GivenAnswer, MAX_QUESTION_BYTES, questionsOf, questionsPacket } from './wire.ts';
import type { Bus, Packet } from '#shared/bus/bus.ts';
import { ANSWERS, ask as askExchange } from '#shared/bus/topology/topology.ts';
import type { Clock } from '#shared/clock.ts';
import { PublishError, reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';

/** Asks the owners of keys over the broker. */
export interface Asker {
  readonly ask: Ask;
  /** Resolves when answers can be heard; what is asked before waits for that. */
  readonly ready: Promise<void>;
  /** Questions that wait for an answer. */
  readonly waiting: number;
  /** Those that wait are told that they were not heard. */
  close(): Promise<void>;
}

export interface AskerOptions {
  readonly bus: Pick<Bus, 'post' | 'subscribe'>;
  readonly clock: Clock;
  readonly log: Log;
  /** So many may wait for an answer at once. */
  readonly maxWaiting?: number;
  readonly meter?: AskerMeter | undefined;
}

/** How a question ended for whoever asked. */
export type AskedEnd = 'answered' | 'problem' | QuestionFailure;

/** Told of every question that is asked, and of its end. */
export interface AskerMeter {
  asked(route: string): void;
  ended(route: string, end: AskedEnd, tookMs: number): void;
}

interface WaitingQuestion {
  readonly id: number;
  readonly type: QuestionType;
  readonly key: string;
  /** As it travels. */
  readonly text: string;
  /** Epoch ms; for whoever answers. */
  readonly deadline: number;
  /** How long it waits, whatever the clock is set to meanwhile; of `elapsed`. */
  readonly until: number;
  /** Of `elapsed`. */
  readonly since: number;
  /** Until it is asked again, ms; then twice as long. */
  againMs: number;
  alarm: { cancel(): void };
  sent: boolean;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

const MAX_WAITING = 50_000;
/** Of one packet; what is asked beyond travels in the next one. */
const MAX_TOGETHER = 500;
/** With more than so many on their way, what is asked within `GATHER_MS` travels together. */
const MANY = 32;
const GATHER_MS = 1;
/** A longer question, in characters, travels alone. */
const LONG = 8 * 1024;
/** Who has no answer after a quarter of its wait, and after this long at least, asks again: the answer or the question may be lost. */
const AGAIN_AFTER_MS = 250;

/** Questions of one type about one key that are asked in one turn travel in one packet; alone, a question waits for nobody. */
export function createAsker({ bus, clock, log, maxWaiting = MAX_WAITING, meter }: AskerOptions): Asker {
  /** Where the answers come: nobody else knows it. */
  const me = clock.id();
  const waiting = new Map<number, WaitingQuestion>();
  const alarms = createAlarms<WaitingQuestion>(clock, look);
  /** To be sent with the next packets; while no answer can be heard, all that wait. */
  let asked = new Set<WaitingQuestion>();
  let last = 0;
  let packets = 0;
  let closed = false;
  let hears = false;

  const post = bus.post((packet) => {
    for (const { id } of questionsOf(packet)?.questions ?? []) fail(waiting.get(id), 'refused', 'its route is open');
  });
  const subscription = bus.subscribe(ANSWERS, [me], (packet) => {
    for (const given of answersOf(packet)) settle(given);
  });
  const heard = subscription.then(
    () => {
      hears = true;
      if (asked.size > 0) flush();
    },
    (error: unknown) => log.error('answers can not be heard', { reason: reasonOf(error) }),
  );

  function end(one: WaitingQuestion, how: AskedEnd): void {
    waiting.delete(one.id);
    asked.delete(one);
    one.alarm.cancel();
    meter?.ended(one.type.route, how, clock.elapsed() - one.since);
  }

  function fail(one: WaitingQuestion | undefined, code: QuestionFailure, detail: string): void {
    if (one === undefined) return;
    end(one, code);
    one.reject(new QuestionError(code, one.type, detail));
  }

  /** The first answer counts. */
  function settle(given: GivenAnswer): void {
    const one = waiting.get(given.id);
    if (one === undefined) return;
    if ('problem' in given) {
      const { code, message, members } = given.problem;
      end(one, 'problem');
      one.reject(new QuestionProblem(code, message, members));
    } else if ('broken' in given) fail(one, 'broken', given.broken);
    else {
      const answer = one.type.answer.safeParse(given.answer);
      if (!answer.success) return fail(one, 'broken', `the answer is none: ${answer.error.message}`);
      end(one, 'answered');
      one.resolve(answer.data);
    }
  }

  /** Its time is over, or it is asked again. */
  function look(one: WaitingQuestion): void {
    const now = clock.elapsed();
    if (now >= one.until)
      return one.sent
        ? fail(one, 'late', 'no answer came in time')
        : fail(one, 'unheard', 'there was no way to hear an answer');
    one.againMs *= 2;
    one.alarm = alarms.set(one, Math.min(one.until, now + one.againMs));
    put(one);
  }

  function put(one: WaitingQuestion): void {
    if (asked.size === 0 && hears) gather();
    asked.add(one);
  }

  /** Alone, a question waits for nobody; where many wait anyway, those of a moment travel together. */
  function gather(): void {
    if (waiting.size > MANY) clock.after(GATHER_MS, flush);
    else clock.soon(flush);
  }

  function flush(): void {
    const all = asked;
    asked = new Set();
    const alike = Map.groupBy(all, ({ type, key }) => `${type.name} ${key}`);
    for (const alone of all) if (alone.text.length > LONG) send([alone]);
    for (const alikes of alike.values()) {
      const together = alikes.filter(({ text }) => text.length <= LONG);
      for (let from = 0; from < together.length; from += MAX_TOGETHER) send(together.slice(from, from + MAX_TOGETHER));
    }
  }

  function send(together: readonly WaitingQuestion[]): void {
    const [first] = together;
    if (first === undefined) return;
    const { type, key } = first;
    const deadline = together.reduce((latest, one) => Math.max(latest, one.deadline), 0);
    packets += 1;
    const texts = together.map(({ text }) => text);
    const packet: Packet = questionsPacket({ asker: me, type: type.name, key }, `${me}:${packets}`, deadline, texts);
    try {
      post.send(askExchange(type.route), packet);
      for (const one of together) one.sent = true;
    } catch (error) {
      if (!(error instanceof PublishError)) throw error;
      // What was sent before may have been heard.
      for (const one of together) if (!one.sent) fail(one, 'unheard', error.message);
    }
  }

  return {
    ask(type, body, { waitMs, traceparent }) {
      const deadline = clock.now() + waitMs;
      const now = clock.elapsed();
      const id = (last += 1);
      const text = JSON.stringify({ id, body, deadline, traceparent });
      const refusal = refusalOf(text);
      meter?.asked(type.route);
      if (refusal !== undefined) {
        meter?.ended(type.route, 'unheard', 0);
        return Promise.reject(new QuestionError('unheard', type, refusal));
      }
      return new Promise((resolve, reject) => {
        const againMs = Math.max(AGAIN_AFTER_MS, waitMs / 4);
        const one: WaitingQuestion = {
          id,
          type,
          key: type.key(body),
          text,
          deadline,
          until: now + waitMs,
          since: now,
          againMs,
          alarm: { cancel() {} },
          sent: false,
          resolve: resolve as (answer: unknown) => void,
          reject,
        };
        one.alarm = alarms.set(one, now + Math.min(waitMs, againMs));
        waiting.set(id, one);
        put(one);
      });
    },
    ready: heard,
    get waiting() {
      return waiting.size;
    },
    async close() {
      closed = true;
      for (const one of waiting.values()) fail(one, 'unheard', 'this process stops');
      alarms.clear();
      await heard;
      await (await subscription.catch(() => undefined))?.close();
      await post.close();
    },
  };

  function refusalOf(text: string): string | undefined {
    if (closed) return 'this process stops';
    if (waiting.size >= maxWaiting) return `${maxWaiting} questions wait already`;
    const bytes = Buffer.byteLength(text);
    return bytes > MAX_QUESTION_BYTES ? `it has ${bytes} bytes, at most ${MAX_QUESTION_BYTES} can be asked` : undefined;
  }
}
