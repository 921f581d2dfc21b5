import type { Letter, Participant, Rejection } from './checkout-flow.ts';
import { lookup } from '#shared/web/lookup.ts';

/** From this weight on the rules of an event that apply reject a checkout. */
export const THRESHOLD = 100;

/** One thing that speaks against a checkout, as data: what it looks at, what it weighs, and its words. */
export interface Rule<Subject> {
  readonly event: Letter;
  /** Never changes; clients may act on it. */
  readonly code: string;
  /** At least the threshold: it rejects alone. */
  readonly weight: number;
  readonly title: string;
  /** What it says to whom it concerns, and in the list of rules. */
  readonly words: string;
  /** The field of the request that it is about. */
  readonly pointer?: string;
  applies(subject: Subject): boolean;
}

/** A rule as it is listed. */
export interface ToldRule {
  readonly event: Letter;
  readonly service: Participant;
  readonly code: string;
  readonly weight: number;
  readonly threshold: number;
  readonly title: string;
  readonly words: string;
  readonly pointer?: string;
}

/** The rules of each service that has some. */
export const verificationRules = lookup<readonly ToldRule[]>('verification.rules');
export const fraudRules = lookup<readonly ToldRule[]>('fraud.rules');

/** Why these rules reject the subject, the heaviest first, each of those that apply; `undefined`: they do not. */
export function judged<Subject>(
  event: Letter,
  rules: readonly Rule<Subject>[],
  subject: Subject,
): Rejection | undefined {
  const applying = rules.filter((rule) => rule.event === event && rule.applies(subject));
  const weight = applying.reduce((sum, rule) => sum + rule.weight, 0);
  const [first, ...others] = applying.toSorted((a, b) => b.weight - a.weight);
  if (first === undefined || weight < THRESHOLD) return undefined;
  return { event, ...problemOf(first), also: others.map(problemOf) };
}

function problemOf({ code, title, words, pointer }: Rule<never>): Omit<Rejection, 'event' | 'also'> {
  return { code, title, detail: words, ...(pointer !== undefined && { pointer }) };
}

export function toldRules(service: Participant, rules: readonly Rule<never>[]): readonly ToldRule[] {
  return rules.map(({ event, code, weight, title, words, pointer }) => {
    const rule = { event, service, code, weight, threshold: THRESHOLD, title, words };
    return pointer === undefined ? rule : { ...rule, pointer };
  });
}
