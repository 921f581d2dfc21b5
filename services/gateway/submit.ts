import type { Bus } from '#shared/bus/bus.ts';
import { encode } from '#shared/bus/envelope.ts';
import type { Clock } from '#shared/clock.ts';
import { PublishError, reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';
import { type RequestIdentity, identityOf } from './identity.ts';
import { overloaded, type RefusedBy, type Shed } from './load-shedding.ts';
import type { Composed, Submission } from '#shared/web/door.ts';
import type { Answer } from '#shared/web/endpoint.ts';
import { breakerOpen, dependencyUnavailable, Problem, requestUnknown, retryAfter } from '#shared/web/problems.ts';
import type { BreakerBoard, OpenRoute } from '#services/circuit-breaker/board.ts';
import { confirmedAt, NotStored, type RequestStore, type StoredRequest } from './requests.ts';
import { Late, within } from '#shared/within.ts';

/** A submission, and whether a new one is too much. Absent: never. */
type Submitted = Submission & { readonly shed?: Shed };

export interface SubmitOptions {
  readonly bus: Pick<Bus, 'publish'>;
  readonly requests: RequestStore;
  readonly board: Pick<BreakerBoard, 'openRoute' | 'retryAfterMs'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly onRefused?: ((route: string, by: RefusedBy) => void) | undefined;
  /** How long a client waits for the broker's confirm; a later one still counts. */
  readonly publishMs: number;
  /** How long a client waits for the owner's answer. */
  readonly outcomeMs: number;
  /** One cycle of the breaker: what a client is told to wait for an open route that no breaker has reported. */
  readonly gateCycleMs: number;
}

const RETRY_MS = 1000;
const SLACK_MS = 3000;
/** An open route, or too many orders, is refused within 50 ms; part of that may go into looking for the answer of an earlier request. */
const LOOK_UP_MS = 30;

/**
 * Takes a POST at most once: stored, published, confirmed, answered. Throws `Problem`: breaker-open and
 * dependency-unavailable leave nothing behind; after outcome-unknown the request is settled by `sweep.ts` or by the same
 * key. A refusal of the owner frees the key.
 */
export function createSubmit(options: SubmitOptions): (submission: Submitted) => Promise<Answer> {
  const { bus, requests, board, clock, log, onRefused, publishMs, outcomeMs, gateCycleMs } = options;
  const busyUntil = (): number => clock.now() + publishMs + outcomeMs + SLACK_MS;

  return async (submission) => {
    const asked = identityOf(submission, clock);
    const open = board.openRoute(submission.needs);
    const isRetry = open !== undefined && (await isKnown(asked, submission));
    if (open !== undefined && !isRetry) throw refused(open, 'gateway');
    const waitMs = submission.shed?.();
    if (waitMs !== undefined && !isRetry && !(await isKnown(asked, submission))) throw overloaded(waitMs, onRefused);
    let request: StoredRequest;
    try {
      request = stored(asked, submission, await composed(submission));
    } catch (error) {
      // What it would become now does not matter to a request that was taken before.
      const earlier = error instanceof Problem ? await earlierOf(asked, submission) : undefined;
      if (earlier === undefined) throw error;
      return replay(earlier, asked, submission);
    }
    const existing = await store(request);
    if (existing === undefined || existing.resourceId === request.resourceId) return send(request, submission);
    return replay(existing, asked, submission);
  };

  async function replay(existing: StoredRequest, asked: RequestIdentity, submission: Submission): Promise<Answer> {
    if (existing.fingerprint !== asked.fingerprint)
      throw new Problem('idempotency-key-reused', 'this Idempotency-Key was used for another path or body');
    const { headers, ...answer } = existing.answer ?? (await resume(existing, submission));
    return { ...answer, headers: { ...headers, 'Idempotency-Replayed': 'true' } };
  }

  /** An earlier request of the same key keeps its answer, whatever is open now. */
  async function isKnown(asked: RequestIdentity, submission: Submission): Promise<boolean> {
    try {
      return (await within(clock, LOOK_UP_MS, earlierOf(asked, submission))) !== undefined;
    } catch {
      return false;
    }
  }

  async function earlierOf(
    { id }: RequestIdentity,
    { idempotencyKey }: Submission,
  ): Promise<StoredRequest | undefined> {
    return idempotencyKey === undefined ? undefined : requests.find(id);
  }

  async function composed({ compose }: Submission): Promise<Composed> {
    const made = compose();
    if (!(made instanceof Promise)) return made;
    try {
      return await within(clock, publishMs, made);
    } catch (error) {
      if (error instanceof Late) throw dependencyUnavailable('database', 'the database does not answer', error);
      throw error;
    }
  }

  function stored(asked: RequestIdentity, { kind, outcome }: Submission, made: Composed): StoredRequest {
    const until = busyUntil();
    return {
      ...made,
      ...asked,
      kind,
      ...(outcome === undefined && { isAnswered: true }),
      state: 'stored',
      takenOver: 0,
      busyUntil: until,
      nextTryAt: until,
      createdAt: clock.now(),
    };
  }

  async function store(request: StoredRequest): Promise<StoredRequest | undefined> {
    try {
      return await within(clock, publishMs, requests.insert(request));
    } catch (cause) {
      if (cause instanceof NotStored) throw dependencyUnavailable('database', 'the database is not available', cause);
      throw requestUnknown(cause);
    }
  }

  /** A retry of a request that has no answer yet. */
  async function resume(existing: StoredRequest, submission: Submission): Promise<Answer> {
    if (existing.busyUntil > clock.now())
      throw new Problem('idempotency-key-in-use', 'the first request with this key is still running', {
        headers: retryAfter(RETRY_MS),
      });
    if (existing.state === 'confirmed') return conclude(existing, submission);
    let mine: StoredRequest | undefined;
    let settled: StoredRequest | undefined;
    try {
      mine = await requests.takeOver(existing.id, busyUntil());
      settled = mine ?? (await requests.find(existing.id));
    } catch (cause) {
      throw requestUnknown(cause);
    }
    if (mine !== undefined) return send(mine, submission);
    if (settled === undefined)
      throw new Problem('idempotency-key-in-use', 'try again', { headers: retryAfter(RETRY_MS) });
    return settled.answer ?? conclude(settled, submission);
  }

  async function send(request: StoredRequest, submission: Submission): Promise<Answer> {
    try {
      await within(clock, publishMs, bus.publish(request.exchange, encode(request.message, clock.now())));
    } catch (cause) {
      throw await notTaken(request, cause);
    }
    const confirmed = confirmedAt(request, clock.now());
    try {
      await requests.confirm(request.id, confirmed);
    } catch (error) {
      log.warn('a request that the broker took could not be marked; the sweep will', {
        request: request.resourceId,
        reason: reasonOf(error),
      });
    }
    return confirmed.answer ?? conclude(request, submission);
  }

  /** Waits for the owner's answer; when that takes too long, being accepted is the answer. */
  async function conclude(request: StoredRequest, submission: Submission): Promise<Answer> {
    const answer = (await waitForOutcome(request, submission)) ?? request.accepted;
    try {
      await requests.settle(request.id, answer);
    } catch (error) {
      log.warn('an answer could not be kept for replay', { request: request.resourceId, reason: reasonOf(error) });
    }
    return answer;
  }

  async function waitForOutcome(request: StoredRequest, submission: Submission): Promise<Answer | undefined> {
    if (submission.outcome === undefined) return undefined;
    const until = clock.now() + outcomeMs;
    for (let waitMs = 5; clock.now() < until; waitMs = Math.min(waitMs * 2, 200)) {
      try {
        const answer = await within(clock, until - clock.now(), submission.outcome(request));
        if (answer !== undefined) return answer;
      } catch (error) {
        if (error instanceof Problem) {
          await forget(request);
          throw error;
        }
        if (error instanceof Late) return undefined;
        log.warn('the outcome of a request could not be read', {
          request: request.resourceId,
          reason: reasonOf(error),
        });
      }
      await clock.sleep(Math.min(waitMs, Math.max(0, until - clock.now())));
    }
    return undefined;
  }

  async function forget(request: StoredRequest): Promise<void> {
    try {
      await requests.forget(request.id);
    } catch (error) {
      log.warn('a refused request could not be forgotten', { request: request.resourceId, reason: reasonOf(error) });
    }
  }

  /** What to tell the client of a failed publish; certain refusals of a first sending leave no trace. */
  async function notTaken(request: StoredRequest, cause: unknown): Promise<Problem> {
    try {
      if (isRefusal(cause) && (await requests.withdraw(request.id))) return refusal(request, cause);
      await requests.giveUp(request.id, clock.now() + RETRY_MS);
    } catch (error) {
      log.warn('a request could not be marked; the sweep will find it', {
        request: request.resourceId,
        reason: reasonOf(error),
      });
    }
    return requestUnknown(cause);
  }

  function refusal(request: StoredRequest, cause: PublishError): Problem {
    if (cause.code !== 'returned') return dependencyUnavailable('broker', 'the broker is not available', cause);
    const route = request.exchange.slice(0, request.exchange.lastIndexOf('.'));
    return refused({ route, retryAfterMs: board.retryAfterMs(route) ?? gateCycleMs }, 'broker', cause);
  }

  function refused(open: OpenRoute, by: RefusedBy, cause?: unknown): Problem {
    onRefused?.(open.route, by);
    return breakerOpen(open, cause);
  }
}

function isRefusal(cause: unknown): cause is PublishError {
  return cause instanceof PublishError && cause.code !== 'outcome-unknown';
}
