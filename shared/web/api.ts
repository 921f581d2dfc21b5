import type { Connection } from 'mongoose';
import type { Door } from './door.ts';
import type { Endpoint } from './endpoint.ts';
import { type AnsweredLookup, lookingUp, type LookUp } from './lookup.ts';
import type { Clock } from '#shared/clock.ts';

/** What a service offers over HTTP. */
export interface ApiSpec<View> {
  /** Its read-only queries; a test passes an object of its own. */
  readonly view: (db: Connection) => View;
  readonly endpoints: (view: View, door: Door) => readonly Endpoint[];
  /** What it tells the endpoints of others. */
  readonly lookups?: (view: View, door: Door) => readonly AnsweredLookup[];
  /** The routes that it submits commands to. */
  readonly commands?: readonly string[];
  /** The routes that its endpoints ask questions. */
  readonly questions?: readonly string[];
  /** The routes that the load which its requests begin goes through first: when messages wait there, fewer are taken. */
  readonly load?: readonly string[];
  /** The routes without which what is sent to this service's route gets nowhere. */
  readonly needs?: readonly string[];
}

export interface ServiceApi {
  readonly view: (db: Connection) => unknown;
  readonly endpoints: (view: unknown, door: Door) => readonly Endpoint[];
  readonly lookups: (view: unknown, door: Door) => readonly AnsweredLookup[];
  readonly commands: readonly string[];
  readonly questions: readonly string[];
  readonly load: readonly string[];
  readonly needs: readonly string[];
}

/** Ties endpoints to the view that they read. */
export function defineApi<View>(spec: ApiSpec<View>): ServiceApi {
  const { view, endpoints, lookups, commands = [], questions = [], load = [], needs = [] } = spec;
  return {
    view,
    endpoints: (given, door) => endpoints(given as View, door),
    lookups: (given, door) => lookups?.(given as View, door) ?? [],
    commands,
    questions,
    load,
    needs,
  };
}

export interface Offering {
  readonly name: string;
  readonly rights: { readonly route?: string | undefined };
  readonly api?: ServiceApi | undefined;
}

/** The views of these services, by name, on what they have stored. */
export function storedViews(services: readonly Offering[], db: Connection): Readonly<Record<string, unknown>> {
  return Object.fromEntries(services.flatMap(({ name, api }) => (api === undefined ? [] : [[name, api.view(db)]])));
}

/** What these services tell of what they have stored, without a door: what would need one fails. */
export function storedLookUp(services: readonly Offering[], db: Connection, clock: Clock): LookUp {
  const nobody = async (): Promise<never> => {
    throw new Error('there is no door here');
  };
  const views = storedViews(services, db);
  const lookUp: LookUp = lookingUp(() => services.flatMap(({ name, api }) => api?.lookups(views[name], door) ?? []));
  const door: Door = { clock, submit: nobody, ask: nobody, outcomeMs: 0, accepted: nobody, needs: () => [], lookUp };
  return lookUp;
}

/** The route, and those that the service behind it needs. */
function neededBy(services: readonly Offering[], route: string): readonly string[] {
  const owner = services.find(({ rights }) => rights.route === route);
  return [...new Set([route, ...(owner?.api?.needs ?? [])])];
}

/** The routes on which load waits that comes through these services. */
export function loadRoutes(services: readonly Offering[]): readonly string[] {
  const first = services.flatMap(({ api }) => api?.load ?? []);
  return [...new Set(first.flatMap((route) => neededBy(services, route)))];
}

/** The endpoints of all these services behind one door. `views`: by name of the service. */
export function mounted(
  services: readonly Offering[],
  views: Readonly<Record<string, unknown>>,
  parts: Omit<Door, 'lookUp' | 'needs'>,
  /** What the door itself tells, also in the place of a service. */
  own: readonly AnsweredLookup[] = [],
): readonly Endpoint[] {
  const offered = services.flatMap(({ name, api }) => (api === undefined ? [] : [{ api, view: views[name] }]));
  const door: Door = {
    ...parts,
    needs: (route) => neededBy(services, route),
    lookUp: lookingUp(() => [...offered.flatMap(({ api, view }) => api.lookups(view, door)), ...own]),
  };
  return offered.flatMap(({ api, view }) => api.endpoints(view, door));
}
