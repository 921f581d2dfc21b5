import Router from '@koa/router';
import Koa from 'koa';
import { type Authenticate, authentication, type CallerLimits } from './authentication.ts';
import { readJson } from './body.ts';
import { pathToTell, refuseCardNumbers, refuseCardNumbersBeside } from './card-numbers.ts';
import type { Call, Caller, Endpoint } from './endpoint.ts';
import { ifMatchOf } from './preconditions.ts';
import { dependencyUnavailable, Problem, requestUnknown, retryAfter } from './problems.ts';
import { idempotency, noQuery } from './parameters.ts';
import type { TokenKeys } from './tokens.ts';
import { type Trace, traceOf } from './trace.ts';
import { validate } from './validate.ts';
import type { Clock } from '#shared/clock.ts';
import type { Log } from '#shared/log.ts';
import { Late, within } from '#shared/within.ts';

interface State {
  trace: Trace;
  endpoint?: Endpoint;
  caller?: Caller;
}
type Context = Koa.ParameterizedContext<State>;

export interface WebSettings extends CallerLimits {
  /** How long a GET may take. */
  readonly readMs: number;
  /** How long anything else may take; more than what it waits for by itself. */
  readonly writeMs: number;
  readonly bodyBytes: number;
  readonly drainBytes: number;
  readonly maxInFlight: number;
  /** X-Forwarded-Proto and X-Forwarded-Host say what the client asked for. */
  readonly isBehindProxy: boolean;
}

export const webSettings: WebSettings = {
  readMs: 5000,
  writeMs: 20_000,
  bodyBytes: 1024 * 1024,
  drainBytes: 8 * 1024 * 1024,
  maxInFlight: 2000,
  isBehindProxy: false,
  customerPerS: 20,
  customerBurst: 100,
  failuresPerS: 50,
  failuresBurst: 2000,
};

export interface AppOptions {
  readonly endpoints: readonly Endpoint[];
  readonly tokens: TokenKeys;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: WebSettings;
  /** Pages for people, beside the endpoints: each answers its own paths. */
  readonly pages?: readonly Koa.Middleware[] | undefined;
  /** Told of every answer: the path as in the table of endpoints. */
  readonly onAnswer?: ((method: string, path: string, status: number, ms: number) => void) | undefined;
}

/** Endpoints as a Koa app that does not listen: `createApp(...).callback()` is a listener for any HTTP server. */
export function createApp(options: AppOptions): Koa<State> {
  const { endpoints, tokens, clock, settings } = options;
  const authenticate = authentication({ tokens, clock, ...settings });
  const router = new Router<State>({ sensitive: true });
  for (const endpoint of endpoints)
    router.register(endpoint.path, [endpoint.method], (ctx) => serve(ctx, endpoint, options, authenticate));

  const app = new Koa<State>({ proxy: settings.isBehindProxy });
  app.on('error', (error: Error) => options.log.debug('a connection ended early', { reason: error.message }));
  app.use(observed(options));
  app.use(problems(options));
  app.use(wellFormed);
  app.use(limited(settings));
  for (const page of options.pages ?? []) app.use(page as Koa.Middleware<State>);
  app.use(ownMethods(endpoints));
  app.use(router.routes());
  app.use(unserved(router));
  return app;
}

/** One line per request, and its trace. Reads that succeed are told at debug only. */
function observed({ clock, log, onAnswer }: AppOptions): Koa.Middleware<State> {
  return async (ctx, next) => {
    const startedAt = clock.now();
    ctx.state.trace = traceOf(ctx.get('traceparent'), clock);
    ctx.set('traceparent', ctx.state.trace.traceparent);
    ctx.set('X-Content-Type-Options', 'nosniff');
    await next();
    const ms = clock.now() - startedAt;
    const { caller, endpoint, trace } = ctx.state;
    const who = caller?.subject === undefined ? {} : { caller: caller.subject };
    const location = ctx.response.get('Location');
    const quiet = (ctx.method === 'GET' || ctx.method === 'HEAD') && ctx.status < 400;
    log[quiet ? 'debug' : 'info']('request', {
      method: ctx.method,
      path: pathToTell(ctx.path).slice(0, 300),
      status: ctx.status,
      ms,
      traceId: trace.traceId,
      ...who,
      ...(location !== '' && { location }),
    });
    // A label for each method and path that a stranger thinks of would be as many series.
    onAnswer?.(endpoint === undefined ? '' : ctx.method, endpoint?.path ?? '', ctx.status, ms);
  };
}

/** The one place where errors become answers. */
function problems({ log }: AppOptions): Koa.Middleware<State> {
  return async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      const problem = problemOf(error, ctx.method);
      const { traceId } = ctx.state.trace;
      if (problem.slug === 'internal-error')
        log.error('a request failed', { traceId, error: error instanceof Error ? error.stack : String(error) });
      else if (problem.status >= 500 && problem.slug !== 'breaker-open')
        log.warn(problem.message, {
          ...problem.members,
          traceId,
          slug: problem.slug,
          ...(problem.cause !== undefined && { reason: String(problem.cause) }),
        });
      ctx.status = problem.status;
      ctx.body = problem.document(pathToTell(ctx.path).slice(0, 500), traceId);
      ctx.set({ 'Cache-Control': 'no-store', ...problem.headers, 'Content-Type': 'application/problem+json' });
    }
  };
}

/** A hanging or failing database leaves a read without effect; of anything else the outcome is open. */
function problemOf(error: unknown, method: string): Problem {
  if (error instanceof Problem) return error;
  if (!(error instanceof Late) && !(error instanceof Error && error.name.startsWith('Mongo')))
    return new Problem('internal-error', 'the request could not be served', { cause: error });
  if (error instanceof Late && method !== 'GET' && method !== 'HEAD') return requestUnknown(error);
  return dependencyUnavailable('database', 'the database is not available', error);
}

/** Paths of any bytes are possible on the wire; only those that decode reach a handler. */
const wellFormed: Koa.Middleware<State> = (ctx, next) => {
  try {
    decodeURIComponent(ctx.path);
  } catch (cause) {
    throw new Problem('not-found', 'the path is not percent-encoded UTF-8', { cause });
  }
  return next();
};

/** Beyond `maxInFlight` requests at once a client is better served by a quick no. */
function limited({ maxInFlight }: WebSettings): Koa.Middleware<State> {
  let inFlight = 0;
  return async (_, next) => {
    if (inFlight >= maxInFlight)
      throw new Problem('too-many-requests', 'too many requests at once', { headers: retryAfter(1000) });
    inFlight++;
    try {
      await next();
    } finally {
      inFlight--;
    }
  };
}

async function serve(
  ctx: Context & { params: Record<string, string> },
  endpoint: Endpoint,
  { clock, settings }: AppOptions,
  authenticate: Authenticate,
): Promise<void> {
  ctx.state.endpoint = endpoint;
  const { identity: caller, acceptedUntil } = await authenticate(ctx.req, endpoint);
  ctx.state.caller = caller;
  const key = endpoint.idempotent === true ? ctx.headers['idempotency-key'] : undefined;
  const query = { ...ctx.query };
  refuseCardNumbers(ctx.params, 'path');
  refuseCardNumbers(query, 'query');
  refuseCardNumbers({ 'Idempotency-Key': key }, 'header');
  const call: Call = {
    params: ctx.params,
    caller,
    trace: ctx.state.trace,
    query: validate(endpoint.query ?? noQuery, query, 'query'),
    body: endpoint.body && validate(endpoint.body, await bodyOf(ctx, endpoint, settings), 'body'),
    ...(key !== undefined && {
      idempotencyKey: validate(idempotency, { 'Idempotency-Key': key }, 'header')['Idempotency-Key'],
    }),
    ...(endpoint.ifMatch === true && { ifMatch: ifMatchOf(ctx.headers['if-match']) }),
    acceptedUntil,
    ...lastEventIdOf(ctx),
  };
  const limitMs = endpoint.method === 'GET' ? settings.readMs : settings.writeMs;
  const answer = await within(clock, limitMs, endpoint.handle(call));
  ctx.status = answer.status;
  ctx.body = answer.body;
  ctx.set({
    'Cache-Control': 'no-store',
    ...(endpoint.produces && { 'Content-Type': endpoint.produces }),
    ...answer.headers,
  });
}

/** An id that no stream of ours gave is as good as none. */
function lastEventIdOf(ctx: Context): Pick<Call, 'lastEventId'> {
  const id = ctx.get('last-event-id');
  return /^[0-9]{1,15}$/.test(id) ? { lastEventId: Number(id) } : {};
}

async function bodyOf(ctx: Context, endpoint: Endpoint, { bodyBytes, drainBytes }: WebSettings): Promise<unknown> {
  const optional = endpoint.bodyOptional === true;
  const body = await readJson(ctx.req, { limitBytes: bodyBytes, drainBytes }, optional);
  refuseCardNumbersBeside(body, endpoint.cardIn);
  return body === undefined && optional ? {} : body;
}

/** A path that is written out has its own methods alone: it is no `:name` of the endpoint beside it. */
function ownMethods(endpoints: readonly Endpoint[]): Koa.Middleware<State> {
  const written = Map.groupBy(
    endpoints.filter(({ path }) => !path.includes(':')),
    ({ path }) => path,
  );
  return (ctx, next) => {
    const methods = written.get(ctx.path)?.flatMap(({ method }) => (method === 'GET' ? ['HEAD', 'GET'] : [method]));
    if (methods === undefined || methods.includes(ctx.method)) return next();
    return tellMethods(ctx, new Set(methods));
  };
}

/** What no endpoint took: a path that does not exist, or another method than it has. */
function unserved(router: Router<State>): Koa.Middleware<State> {
  return (ctx) => {
    const methods = new Set(router.match(ctx.path, ctx.method).path.flatMap((layer) => layer.methods));
    if (methods.size === 0) throw new Problem('not-found', 'there is no such path');
    tellMethods(ctx, methods);
  };
}

/** Answers OPTIONS; of any other method it says which there are. */
function tellMethods(ctx: Context, methods: ReadonlySet<string>): void {
  const Allow = [...methods, 'OPTIONS'].join(', ');
  if (ctx.method !== 'OPTIONS') throw new Problem('method-not-allowed', `allowed: ${Allow}`, { headers: { Allow } });
  ctx.status = 204;
  ctx.set({ Allow });
}
