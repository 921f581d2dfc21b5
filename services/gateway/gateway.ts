import type { Shed } from './load-shedding.ts';
import type { Audits } from './audit-routes.ts';
import type { AskBreaker } from './breakers.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { FaultControl } from './faults.ts';
import type { RequestStore } from './requests.ts';
import type { BreakerBoard } from './snapshot.ts';
import type { EventStream } from './stream.ts';
import { type RefusedBy, type Submit, createSubmit } from './submit.ts';
import type { TokenKeys } from '#shared/web/tokens.ts';
import type { Views } from './views.ts';
import { type WebSettings, webSettings } from '#shared/web/app.ts';
import type { Workers } from './workers.ts';
import type { Bus } from '#shared/bus/bus.ts';
import type { RouteTable } from '#shared/bus/topology/topology.ts';
import type { Clock } from '#shared/clock.ts';
import type { Log } from '#shared/log.ts';

/** Everything that the gateway needs from outside; nothing here listens or connects. */
export interface GatewayOptions {
  readonly bus: Pick<Bus, 'publish'>;
  readonly table: RouteTable;
  readonly views: Views;
  readonly requests: RequestStore;
  readonly tokens: TokenKeys;
  readonly clock: Clock;
  readonly log: Log;
  readonly board: BreakerBoard;
  readonly stream: EventStream;
  readonly askBreaker: AskBreaker;
  readonly workers: Workers;
  /** Absent: every order is taken. */
  readonly shedOrder?: Shed | undefined;
  /** Absent: its endpoints do not exist, and no timeline tells of them. */
  readonly deadLetters?: DeadLetters | undefined;
  /** Absent: its endpoints do not exist. */
  readonly audits?: Audits | undefined;
  /** Absent: the fault endpoints do not exist. */
  readonly faults?: FaultControl | undefined;
  readonly settings?: Partial<Settings> | undefined;
  /** Told of every answer: the path as in `routes.ts`. */
  readonly onAnswer?: ((method: string, path: string, status: number, ms: number) => void) | undefined;
  /** Told of every request that was refused because of an open route, or for want of room. */
  readonly onRefused?: ((route: string, by: RefusedBy) => void) | undefined;
}

export interface Settings extends WebSettings {
  readonly publishMs: number;
  readonly outcomeMs: number;
  readonly gateCycleMs: number;
  /** Orders that are being taken at once; one more is told to come later. */
  readonly maxPlacing: number;
}

export const defaultSettings: Settings = {
  ...webSettings,
  publishMs: 5000,
  outcomeMs: 2000,
  gateCycleMs: 15_000,
  maxPlacing: 100,
};

/** What handlers are made from. */
export interface Gateway extends Omit<GatewayOptions, 'settings'>, Settings {
  readonly submit: Submit;
}

export function assemble(options: GatewayOptions): Gateway {
  const { settings, ...parts } = options;
  const all = { ...defaultSettings, ...settings };
  return { ...parts, ...all, submit: createSubmit({ ...parts, ...all }) };
}
