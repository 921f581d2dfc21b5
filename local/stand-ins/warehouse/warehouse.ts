import type { IncomingMessage, ServerResponse } from 'node:http';
import { createCalls, scriptSchema } from './calls.ts';
import { createWarehouseDeliveries, parcelSchema } from './deliveries.ts';
import { calm, seeded, settingsSchema } from '#local/stand-ins/misbehaviour.ts';
import {
  bodyOf,
  rememberingAnswers,
  reply,
  serveStub,
  type RunningStub,
  type StubOptions,
  type StubAnswer,
} from '#local/stand-ins/stub-server.ts';

const unavailable: StubAnswer = { status: 503, body: { reason: 'unavailable' } };
const notFound: StubAnswer = { status: 404, body: { reason: 'not_found' } };

/**
 * A warehouse to try things with: parcels with the sku `no-delivery` are refused, latency (half to one and a half of what
 * is set) and 5xx as seeded, or answers as scripted per order. An effect happens before its answer, so a caller that
 * gave up may have caused it. Knows nothing after a restart.
 *
 * `POST /deliveries` and `DELETE /deliveries/{id}`, each with `Idempotency-Key`; `GET /deliveries/{id}`;
 * `GET /calls[?key=]`: what each key was answered, when; `PUT /script/{orderId}`: `[503, 503, 200]`, the next answers to
 * the order's calls, where 2xx is the true answer and `silent` none at all; `GET` and `PUT /settings`.
 */
export async function startWarehouse({
  host = '127.0.0.1',
  port = 0,
  settings,
  clock,
  log,
}: StubOptions): Promise<RunningStub> {
  const deliveries = createWarehouseDeliveries();
  const calls = createCalls(clock);
  const remembered = rememberingAnswers<StubAnswer>();
  let current = settingsSchema.parse({ ...calm, ...settings });
  let random = seeded(current.seed);

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://warehouse');
    const [, collection = '', id] = pathname.split('/').map(decodeURIComponent);
    switch (`${request.method} /${collection}${id === undefined ? '' : '/:id'}`) {
      case 'GET /livez':
      case 'GET /readyz':
        return reply(response, { status: 200, body: { status: 'ok' } });
      case 'GET /settings':
        return reply(response, { status: 200, body: current });
      case 'PUT /settings': {
        const wanted = settingsSchema.partial().parse(await bodyOf(request));
        current = settingsSchema.parse({ ...current, ...wanted });
        random = seeded(current.seed);
        return reply(response, { status: 200, body: current });
      }
      case 'GET /calls':
        return reply(response, { status: 200, body: { items: calls.list(searchParams.get('key') ?? undefined) } });
      case 'PUT /script/:id': {
        const script = scriptSchema.parse(await bodyOf(request));
        calls.script(id!, script);
        return reply(response, { status: 200, body: script });
      }
      case 'GET /deliveries/:id': {
        const found = deliveries.find(id!);
        return reply(response, found ? { status: 200, body: found } : notFound);
      }
      case 'POST /deliveries': {
        const parcel = parcelSchema.parse(await bodyOf(request));
        return answer(request, response, parcel.orderId, () => deliveries.take(parcel), parcel);
      }
      case 'DELETE /deliveries/:id':
        return answer(request, response, deliveries.find(id!)?.orderId, () => deliveries.cancel(id!), id);
      default:
        return reply(response, notFound);
    }
  }

  async function answer(
    request: IncomingMessage,
    response: ServerResponse,
    orderId: string | undefined,
    effect: () => StubAnswer,
    asked: unknown,
  ): Promise<void> {
    const key = request.headers['idempotency-key'];
    const call = calls.begun(key, `${request.method} ${request.url}`);
    const { numerator, denominator } = current.failureRate;
    const fails = random() * denominator < numerator;
    const failsAfter = random() < 0.5;
    const latencyMs = current.latencyMs * (0.5 + random());
    const scripted = orderId === undefined ? undefined : calls.next(orderId);
    const hasEffect = scripted === undefined ? !fails || failsAfter : scripted === 'silent' || scripted < 300;
    const outcome = hasEffect ? remembered(key, [request.method, asked], effect) : unavailable;
    if (scripted === 'silent') return;
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    await clock.sleep(latencyMs, gone.signal);
    const given =
      scripted === undefined
        ? fails
          ? unavailable
          : outcome
        : scripted < 300
          ? outcome
          : { status: scripted, body: { reason: 'scripted' } };
    call.answered(given.status);
    reply(response, given);
  }

  return serveStub({ host, port, log }, handle);
}
