import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import type { Packet } from '#shared/bus/bus.ts';
import { jsonIn } from '#shared/bus/json-in.ts';

/** Header of a packet of questions. When nobody takes it in time it is evidence as any message, and then it is dropped. */
export const QUESTION = 'question';
/** Header: the routing key of the answers. */
export const ASKER = 'asker';

/** No question is longer as JSON, and no answer. */
export const MAX_QUESTION_BYTES = 2 * 1024 * 1024;
export const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

/** One of the questions that travel in one packet: all of one asker, of one type and about one key. */
export interface AskedQuestion {
  /** Its number; of one asker it names one question. */
  readonly id: number;
  readonly body: unknown;
  /** Epoch ms. */
  readonly deadline: number;
  readonly traceparent?: string | undefined;
}

/** Questions as they arrive. */
export interface AskedQuestions {
  readonly asker: string;
  readonly type: string;
  readonly key: string;
  readonly questions: readonly AskedQuestion[];
}

/** `questions`: as JSON. `id` names the packet. */
export function questionsPacket(
  { asker, type, key }: Omit<AskedQuestions, 'questions'>,
  id: string,
  deadline: number,
  questions: readonly string[],
): Packet {
  return {
    content: Buffer.from(`[${questions.join()}]`),
    contentType: 'application/json',
    type,
    messageId: id,
    headers: { key, [QUESTION]: true, [ASKER]: asker, deadline },
  };
}

/** `undefined`: it is no packet of questions, and nobody could be answered. */
export function questionsOf({ content, type, headers }: Packet): AskedQuestions | undefined {
  const { key, [ASKER]: asker } = headers;
  if (type === undefined || typeof key !== 'string' || typeof asker !== 'string') return undefined;
  const questions = json(content);
  return Array.isArray(questions) && questions.every(isAsked) ? { asker, type, key, questions } : undefined;
}

/** By hand, as there are many thousands a second; the body is checked by the schema of its type. */
function isAsked(value: unknown): value is AskedQuestion {
  if (typeof value !== 'object' || value === null) return false;
  const { id, deadline, traceparent } = value as Readonly<Record<keyof AskedQuestion, unknown>>;
  return (
    Number.isSafeInteger(id) &&
    Number.isFinite(deadline) &&
    (traceparent === undefined || typeof traceparent === 'string')
  );
}

/** Whether it is a packet of questions, or of what was one. */
export function isQuestion({ headers }: Packet): boolean {
  return headers[QUESTION] === true;
}

/** One of the answers that travel in one packet: all to one asker. */
export type GivenAnswer = { readonly id: number } & (
  | { readonly answer: unknown }
  | {
      readonly problem: {
        readonly code: string;
        readonly message: string;
        readonly members: Readonly<Record<string, unknown>>;
      };
    }
  | { readonly broken: string }
);

const problemSchema = z.object({
  code: z.string(),
  message: z.string(),
  members: z.record(z.string(), z.unknown()),
});

/** `answers`: as JSON. */
export function answersPacket(answers: readonly string[]): Packet {
  return { content: Buffer.from(`[${answers.join()}]`), contentType: 'application/json', headers: {} };
}

export function answersOf({ content }: Packet): readonly GivenAnswer[] {
  const answers = json(content);
  return Array.isArray(answers) && answers.every(isGiven) ? answers : [];
}

/** The answer itself is checked by the schema of its type, by whoever asked. */
function isGiven(value: unknown): value is GivenAnswer {
  if (typeof value !== 'object' || value === null) return false;
  const given = value as Readonly<Record<string, unknown>>;
  if (!Number.isSafeInteger(given['id'])) return false;
  if ('problem' in given) return problemSchema.safeParse(given['problem']).success;
  return !('broken' in given) || typeof given['broken'] === 'string';
}

function json(content: Buffer): unknown {
  return isUtf8(content) ? jsonIn(content) : undefined;
}
