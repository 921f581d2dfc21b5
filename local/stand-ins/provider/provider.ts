import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { createPayments, type Decision } from './payments.ts';
import { tokenFor, tokenRequest } from './tokens.ts';
import { calm, drawn, isDeclined, seededFor, settingsSchema } from '#local/stand-ins/misbehaviour.ts';
import {
  bodyOf,
  rememberingAnswers,
  reply,
  serveStub,
  type RunningStub,
  type StubOptions,
  type StubAnswer,
} from '#local/stand-ins/stub-server.ts';

export type RunningProvider = RunningStub;

interface ProviderAnswer extends StubAnswer {
  /** Epoch ms before which it is not given: absent, at once. */
  readonly readyAt?: number;
}

const SLOW_MS = 1000;
const id = z.string().min(1).max(300);
const ofPayment = z.strictObject({ paymentId: id });
const ofAnyPayment = z.object({ paymentId: id });
const authorization = z.strictObject({
  paymentId: id,
  orderId: id,
  amount: z.strictObject({ amount: z.int().min(1), currency: z.string().length(3) }),
  method: z.string().min(1).max(200),
});

/**
 * A payment provider to try things with: four tokens with fixed outcomes, latency and failures as configured. An effect
 * happens before its answer, so a caller that gave up may have caused it. Knows nothing after a restart.
 */
export async function startProvider({
  host = '127.0.0.1',
  port = 0,
  settings,
  clock,
  log,
}: StubOptions): Promise<RunningProvider> {
  const remembered = rememberingAnswers<ProviderAnswer>();
  let current = settingsSchema.parse({ ...calm, ...settings });
  const payments = createPayments((orderId, nth) => isDeclined(current, orderId, nth));
  /** How often each effect of each payment was asked for. */
  const calls = new Map<string, number>();
  /** What happens to a call follows from the seed, its payment, its effect and how often that was asked for; from no other payment's calls. */
  const drawnFor = (effect: string, body: unknown): (() => number) => {
    const paymentId = ofAnyPayment.safeParse(body).data?.paymentId ?? '';
    const cause = `${effect} ${paymentId}`;
    const time = (calls.get(cause) ?? 0) + 1;
    calls.set(cause, time);
    return seededFor(current.seed, `${cause} ${time}`);
  };

  const effects: Readonly<Record<string, (body: unknown) => ProviderAnswer>> = {
    '/authorizations': (body) => {
      const { paymentId, ...request } = authorization.parse(body);
      const answer = decided(payments.authorize(paymentId, request));
      return request.method === 'pm_slow' ? { ...answer, readyAt: clock.now() + SLOW_MS } : answer;
    },
    '/tokens': (body) => ({ status: 200, body: { token: tokenFor(tokenRequest.parse(body).number) } }),
    '/captures': (body) => decided(payments.capture(ofPayment.parse(body).paymentId)),
    '/voids': (body) => decided(payments.void(ofPayment.parse(body).paymentId)),
    '/refunds': (body) => decided(payments.refund(ofPayment.parse(body).paymentId)),
  };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', 'http://provider');
    const route = `${request.method} ${pathname}`;
    if (route === 'GET /livez' || route === 'GET /readyz')
      return reply(response, { status: 200, body: { status: 'ok' } });
    if (route === 'GET /settings') return reply(response, { status: 200, body: current });
    if (route === 'PUT /settings') {
      const wanted = settingsSchema.partial().parse(await bodyOf(request));
      current = settingsSchema.parse({ ...current, ...wanted });
      calls.clear();
      return reply(response, { status: 200, body: current });
    }
    if (request.method === 'GET' && pathname.startsWith('/payments/')) {
      const found = payments.find(decodeURIComponent(pathname.slice('/payments/'.length)));
      return reply(response, found ? { status: 200, body: found } : { status: 404, body: { reason: 'not_found' } });
    }
    const effect = request.method === 'POST' ? effects[pathname] : undefined;
    if (!effect) return reply(response, { status: 404, body: { reason: 'not_found' } });

    const body = await bodyOf(request);
    const random = drawnFor(pathname, body);
    const fails = drawn(current.failureRate, random);
    const failsAfter = random() < 0.5;
    const unavailable: ProviderAnswer = { status: 503, body: { reason: 'unavailable' } };
    const key = request.headers['idempotency-key'];
    const answer: ProviderAnswer =
      fails && !failsAfter ? unavailable : remembered(key, [pathname, body], () => effect(body));
    const method = pathname === '/authorizations' && (body as { method?: unknown } | null)?.method;
    if (method === 'pm_timeout') return;
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const busyMs = Math.max(0, (answer.readyAt ?? 0) - clock.now());
    await clock.sleep(current.latencyMs + random() * current.spreadMs + busyMs, gone.signal);
    reply(response, fails ? unavailable : answer);
  }

  return serveStub({ host, port, log }, handle);
}

function decided(decision: Decision): ProviderAnswer {
  if (!decision.approved) return { status: 402, body: { reason: decision.reason } };
  const { payment } = decision;
  return { status: 200, body: { ...payment, refunded: payment.status === 'refunded' } };
}
