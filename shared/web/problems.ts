import { type ProblemSlug, problemTypes } from './problem-types.ts';

/** One invalid field. `pointer` is a JSON pointer into what `in` names. */
export interface FieldError {
  readonly pointer: string;
  readonly detail: string;
  readonly in?: 'body' | 'query' | 'header' | 'path';
}

export interface ProblemExtras {
  readonly headers?: Readonly<Record<string, string>>;
  /** Members added to the document. */
  readonly members?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** Thrown anywhere below the gateway's one error handler, which turns it into the answer. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly slug: ProblemSlug;
  readonly headers: Readonly<Record<string, string>>;
  readonly members: Readonly<Record<string, unknown>>;

  constructor(slug: ProblemSlug, detail: string, extras: ProblemExtras = {}) {
    super(detail, extras.cause === undefined ? undefined : { cause: extras.cause });
    this.slug = slug;
    this.headers = extras.headers ?? {};
    this.members = extras.members ?? {};
  }

  get status(): number {
    return problemTypes[this.slug].status;
  }

  /** The document of RFC 9457. `instance` is the path of the request. */
  document(instance: string, traceId: string): Readonly<Record<string, unknown>> {
    const { status, title } = problemTypes[this.slug];
    return { ...this.members, type: `/problems/${this.slug}`, title, status, detail: this.message, instance, traceId };
  }
}

/** A `validation` problem for these fields; at most 20 are listed. */
export function invalid(errors: readonly FieldError[]): Problem {
  const listed = errors.slice(0, 20);
  const first = listed[0];
  const where = first === undefined || first.pointer === '' ? '' : `${first.pointer}: `;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  return new Problem('validation', `${where}${first?.detail ?? 'not valid'}${more}`, { members: { errors: listed } });
}

/** What the request needs is away for a moment; `dependency` names it. */
export function dependencyUnavailable(
  dependency: string,
  detail: string,
  cause?: unknown,
  members: ProblemExtras['members'] = {},
): Problem {
  const headers = retryAfter(1000);
  return new Problem('dependency-unavailable', detail, { headers, members: { dependency, ...members }, cause });
}

/** It may have happened, or may still; `more`: headers and members beside `Retry-After`. */
export function outcomeUnknown(detail: string, cause?: unknown, more: Omit<ProblemExtras, 'cause'> = {}): Problem {
  return new Problem('outcome-unknown', detail, { ...more, headers: { ...more.headers, ...retryAfter(1000) }, cause });
}

/** Of a request of which nothing else is known. */
export function requestUnknown(cause: unknown): Problem {
  return outcomeUnknown('the request may or may not have been taken', cause);
}

/** The broker gives back what is for this route, or would. */
export function breakerOpen(
  { route, retryAfterMs }: { readonly route: string; readonly retryAfterMs: number },
  cause?: unknown,
): Problem {
  return new Problem('breaker-open', `the route ${route} takes nothing now`, {
    headers: retryAfter(retryAfterMs),
    members: { route, state: 'open', retryAfterMs },
    cause,
  });
}

/** `Retry-After` counts whole seconds (RFC 9110, 10.2.3); at least one. */
export function retryAfter(ms: number): Readonly<Record<string, string>> {
  return { 'Retry-After': String(Math.max(1, Math.ceil(ms / 1000))) };
}
