import { addedUp } from './adding.ts';
import { price, type AskedLine, type BasketOf, type PricedLine } from './contract.ts';
import { price as productPrice } from '#services/pricing/contract.ts';
import { reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';
import {
  type Ask,
  answerQuestion,
  QuestionError,
  type QuestionHandler,
  QuestionProblem,
} from '#shared/question/question.ts';
import { traceIdOf } from '#shared/web/trace.ts';

export interface BasketPorts {
  readonly ask: Ask;
  readonly log: Log;
}

/** Products that one basket asks about at once. */
const SIDE_BY_SIDE = 1000;
/** What is left for the answer on its way back, ms. */
const WAY_BACK_MS = 500;
/** Skus that one problem names at most. */
const NAMED = 100;

interface Asking extends BasketOf {
  readonly waitMs: number;
  readonly traceparent?: string | undefined;
}

type Priced = { readonly line: PricedLine } | { readonly problem: QuestionProblem };

/** What a basket costs: one question for each product, side by side. No sum is given when any line has none. */
export function basketAnswers({ ask, log }: BasketPorts): readonly QuestionHandler[] {
  return [
    answerQuestion(price, async ({ lines, ...owner }, context) => {
      const { now, deadline, traceparent } = context;
      // A timer that only a basket of several rounds needs.
      const signal = lines.length > SIDE_BY_SIDE ? context.signal : undefined;
      const asking = { ...owner, waitMs: Math.max(100, deadline - now - WAY_BACK_MS), traceparent };
      const problems: QuestionProblem[] = [];
      const priced: PricedLine[] = [];
      for (let at = 0; at < lines.length && !problems.some(endsIt); at += SIDE_BY_SIDE) {
        const { sku } = lines[at]!;
        if (signal?.aborted) throw told([timedOut('the basket', sku)], asking);
        const some = lines.slice(at, at + SIDE_BY_SIDE);
        for (const one of await Promise.all(some.map((line) => linePriced(line, asking))))
          if ('line' in one) priced.push(one.line);
          else problems.push(one.problem);
      }
      if (problems.length === 0) return addedUp(priced);
      throw told(problems, asking);
    }),
  ];

  async function linePriced({ sku, quantity }: AskedLine, { waitMs, traceparent, ...owner }: Asking): Promise<Priced> {
    try {
      const answer = await ask(productPrice, { ...owner, sku, quantity }, { waitMs, traceparent });
      return { line: { sku, quantity, ...answer } };
    } catch (error) {
      return { problem: problemOf(error, sku) };
    }
  }

  /** The problem of the whole, also in the log. */
  function told(problems: readonly QuestionProblem[], { supermarketId, userId, traceparent }: Asking): QuestionProblem {
    const [first, ...others] = problems.toSorted((a, b) => rank(a) - rank(b));
    const skus = [first!, ...others].filter(({ code }) => code === first!.code).map(({ members }) => members['sku']);
    const { code, message, members } = first!;
    const { sku, version } = members;
    const facts = { supermarketId, userId, sku, version, code, traceId: traceIdOf(traceparent) };
    log[code === 'unknown-product' ? 'info' : 'error']('a basket has no price', { ...facts, reason: message });
    return new QuestionProblem(code, message, { ...members, skus: skus.slice(0, NAMED) });
  }
}

/** That of the request first, then that of a strategy, then that of the moment. */
const CODES: readonly string[] = ['unknown-product', 'too-much', 'strategy-failed', 'pricing-timeout', 'not-priced'];

function rank({ code }: QuestionProblem): number {
  return CODES.indexOf(code);
}

/** What else is unknown is worth telling; after any other problem nothing more is asked. */
function endsIt({ code }: QuestionProblem): boolean {
  return code !== 'unknown-product';
}

function timedOut(what: string, sku: string): QuestionProblem {
  return new QuestionProblem('pricing-timeout', `${what} was not priced in time`, { sku });
}

function problemOf(error: unknown, sku: string): QuestionProblem {
  if (error instanceof QuestionProblem) return error;
  if (error instanceof QuestionError && error.code === 'late') return timedOut(sku, sku);
  return new QuestionProblem('not-priced', `${sku} can not be priced now: ${reasonOf(error)}`.slice(0, 500), { sku });
}
