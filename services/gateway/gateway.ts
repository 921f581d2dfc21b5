import { checkoutPage } from './checkout-page/page.ts';
import { createIntake } from './intake.ts';
import type { Shed } from './load-shedding.ts';
import type { RequestStore } from './requests.ts';
import type { RefusedBy } from './load-shedding.ts';
import type { BreakerBoard } from '#services/circuit-breaker/board.ts';
import { type Acts, actEndpoints, recording } from '#services/console/acts.ts';
import type { Money } from '#services/money.ts';
import type { Ask } from '#shared/question/question.ts';
import type { Bus } from '#shared/bus/bus.ts';
import type { Clock } from '#shared/clock.ts';
import type { Log } from '#shared/log.ts';
import { mounted, type Offering } from '#shared/web/api.ts';
import { createApp, type WebSettings, webSettings } from '#shared/web/app.ts';
import { documented } from '#shared/web/documents.ts';
import type { Endpoint } from '#shared/web/endpoint.ts';
import type { AnsweredLookup } from '#shared/web/lookup.ts';
import type { TokenKeys } from '#shared/web/tokens.ts';

export interface GatewaySettings extends WebSettings {
  readonly publishMs: number;
  readonly outcomeMs: number;
  readonly gateCycleMs: number;
  /** Orders that are being taken at once; one more is told to come later. */
  readonly maxPlacing: number;
}

export const defaultSettings: GatewaySettings = {
  ...webSettings,
  publishMs: 5000,
  outcomeMs: 2000,
  gateCycleMs: 15_000,
  maxPlacing: 100,
};

/** Everything that a door needs from outside; nothing here listens or connects. */
export interface GatewayOptions {
  /** `operators`: it answers nobody else. Absent: customers too. */
  readonly door?: 'operators';
  /** Where operators' acts are recorded; absent: nowhere. */
  readonly acts?: Acts | undefined;
  /** What they offer is mounted, over these views by name. */
  readonly services: readonly Offering[];
  readonly views: Readonly<Record<string, unknown>>;
  /** What the door tells their endpoints. */
  readonly lookups: readonly AnsweredLookup[];
  /** What operators may ask of the system as a whole. */
  readonly operators: readonly Endpoint[];
  readonly bus: Pick<Bus, 'publish'>;
  readonly requests: RequestStore;
  /** How the endpoints ask the owners of keys; absent: they cannot. */
  readonly ask?: Ask | undefined;
  readonly board: Pick<BreakerBoard, 'openRoute' | 'retryAfterMs'>;
  readonly tokens: TokenKeys;
  /** A card that the form of the checkout is filled in with; absent: none. */
  readonly card?: string | undefined;
  /** What a guest of the checkout's page finds in its wallet when it buys for the first time; absent: nothing. */
  readonly guestCredit?: Money | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** Absent: every order is taken. */
  readonly shed?: Shed | undefined;
  readonly settings?: Partial<GatewaySettings> | undefined;
  /** Told of every answer: the path as in the table of endpoints. */
  readonly onAnswer?: ((method: string, path: string, status: number, ms: number) => void) | undefined;
  /** Told of every request that was refused because of an open route, or for want of room. */
  readonly onRefused?: ((route: string, by: RefusedBy) => void) | undefined;
}

/** Every endpoint of the door, and the Koa app that serves them and does not listen. */
export function createGateway(options: GatewayOptions): {
  readonly endpoints: readonly Endpoint[];
  readonly app: ReturnType<typeof createApp>;
} {
  const { acts, door, services, views, lookups, operators, tokens, clock, log, onAnswer } = options;
  const settings = { ...defaultSettings, ...options.settings };
  const intake = createIntake({ ...options, ...settings });
  const all = [...mounted(services, views, intake, lookups), ...operators];
  const kept = acts === undefined ? all : [...recording(all, acts, clock), ...actEndpoints(acts)];
  const endpoints = documented(door === 'operators' ? kept.map(forOperators) : kept);
  const { card, guestCredit } = options;
  const pages = door === 'operators' ? [] : [checkoutPage({ endpoints, tokens, clock, card, guestCredit })];
  return { endpoints, app: createApp({ endpoints, pages, tokens, clock, log, onAnswer, settings }) };
}

/** The same for operators alone; what anybody may read stays so. */
function forOperators(endpoint: Endpoint): Endpoint {
  return endpoint.access === 'public' ? endpoint : { ...endpoint, access: 'operator' };
}
