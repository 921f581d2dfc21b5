import { z } from 'zod';
import type { IfMatch } from './preconditions.ts';
import type { ProblemSlug } from './problem-types.ts';
import type { Identity } from './tokens.ts';
import type { Trace } from './trace.ts';

/** Who may call: anyone, anyone with a token (the handler looks whose it is), operators. */
export type Access = 'public' | 'token' | 'operator';

export type Caller = Identity | { readonly role: 'anonymous'; readonly subject: '' };

/** A request that was authenticated and validated. */
export interface Call<Query = unknown, Body = unknown> {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly body: Body;
  readonly caller: Caller;
  readonly trace: Trace;
  readonly idempotencyKey?: string;
  /** Of an endpoint that demands it. */
  readonly ifMatch?: IfMatch;
  /** When the token is not accepted any more, epoch ms; absent: there is none. What takes longer must end then. */
  readonly acceptedUntil?: number | undefined;
  /** Of a client that comes back to an event stream. */
  readonly lastEventId?: number;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** Headers that answers are documented to have. */
export type ResponseHeader =
  | 'traceparent'
  | 'Location'
  | 'ETag'
  | 'Retry-After'
  | 'Idempotency-Replayed'
  | 'WWW-Authenticate';

/** A group of operations in the OpenAPI document. */
export interface Tag {
  readonly name: string;
  readonly description: string;
}

export interface Endpoint {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** With `:name` for parameters. */
  readonly path: string;
  readonly access: Access;
  /** The operation's name in generated clients, `placeOrder`; never changed. */
  readonly id: string;
  readonly tag: Tag;
  /** One line. */
  readonly summary: string;
  /** What the line leaves out, Markdown. */
  readonly description?: string;
  /** What each `:name` of the path is. */
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  /** A body that the schema takes. */
  readonly example?: unknown;
  /** The one member of the body in which card data may stand; it is not logged, and must not be kept. Absent: nowhere. */
  readonly cardIn?: string;
  /** An empty body counts as `{}`. */
  readonly bodyOptional?: boolean;
  readonly idempotent?: boolean;
  /** It changes what the client has read: the header If-Match says which version that was, and is demanded. */
  readonly ifMatch?: boolean;
  /** What successful answers are; `application/json` unless said. */
  readonly produces?: 'application/json' | 'text/event-stream' | 'text/plain';
  /** Of a stream: what the data of each event is, by the event's name. */
  readonly events?: Readonly<Record<string, z.ZodType>>;
  /** By status, beside those that follow from the rest. */
  readonly headers?: Readonly<Record<number, readonly ResponseHeader[]>>;
  /** Problems of its own, besides those that follow from the rest. */
  readonly problems?: readonly ProblemSlug[];
  /** The body of each successful status, for the OpenAPI document; `nothing`: there is none. */
  readonly answers: Readonly<Record<number, z.ZodType>>;
  handle(call: Call): Promise<Answer>;
}

/** The body of an answer that has none. */
export const nothing = z.undefined();

interface Spec<Query, Body> extends Omit<Endpoint, 'query' | 'body' | 'handle' | 'method' | 'path'> {
  readonly query?: z.ZodType<Query>;
  readonly body?: z.ZodType<Body>;
  readonly handle: (call: Call<Query, Body>) => Promise<Answer>;
}

/** Ties a handler to the schemas of what it gets: another query or body type is a compile error. */
export function endpoint<Query = unknown, Body = unknown>(
  method: Endpoint['method'],
  path: string,
  spec: Spec<Query, Body>,
): Endpoint {
  return { ...spec, method, path, handle: spec.handle };
}

export function ok(body: unknown): Answer {
  return { status: 200, body };
}

/** Done, and there is nothing to say. */
export const noContent: Answer = { status: 204, body: undefined };
