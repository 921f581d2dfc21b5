/** What each service's broker user may do, and what of it is tried on a broker. */
import { routeTable, services as all } from '#services/services.ts';
import { partitionQueues, questionQueues, topologyOf } from '#shared/bus/topology/topology.ts';

export const timing = { ttlMs: 60_000, delayMs: 300 };
const topology = topologyOf(routeTable, timing, 'any');
export const services = Object.keys(routeTable.services);
const anyRoute = routeTable.routes.join('|');

/** The routes that clients may cause commands to. */
const submitted = all.flatMap(({ api }) => api?.commands ?? []);
/** The routes that they may cause questions to. */
const asked = all.flatMap(({ api }) => api?.questions ?? []);

/** What each may publish to and read, by name; of others see `ordinary`; topics are tried in `rights.test.ts`. `control` is everybody's, by its topics. */
export const expected: Readonly<Record<string, { readonly writes: RegExp; readonly reads: RegExp }>> = {
  order: answering('order'),
  payment: answering('payment', 'saga|order-and-saga'),
  wallet: answering('wallet'),
  delivery: answering('delivery'),
  notify: answering('notify'),
  saga: {
    writes: /^((order|payment|wallet|stock|delivery|notify)\.(in|hash)|saga\.(hash|dead)|events|workers|control)$/,
    reads: /^saga\.\d{3}$/,
  },
  stock: answering('stock', 'saga|catalogue'),
  catalogue: {
    writes: /^(catalogue\.(hash|dead)|stock\.(in|hash)|events|workers|control)$/,
    reads: /^catalogue\.\d{3}$/,
  },
  gateway: {
    writes: new RegExp(`^((${submitted.join('|')})\\.(in|hash)|(${asked.join('|')})\\.ask|control)$`),
    reads: /^$/,
  },
  'circuit-breaker': {
    writes: new RegExp(`^((${anyRoute})\\.(hash|asked|delay|state|parked|dead)|breaker\\.snapshot|control)$`),
    reads: new RegExp(`^(${anyRoute})\\.(expired|state|parked)$`),
  },
  console: {
    writes: new RegExp(`^((${submitted.join('|')})\\.(in|hash)|(${asked.join('|')})\\.ask|control)$`),
    reads: /^$/,
  },
  audit: { writes: /^control$/, reads: /^audit\.leader$/ },
  shop: { writes: /^(wallet)\.in$/, reads: /^$/ },
  'dead-letters': {
    writes: new RegExp(`^((${anyRoute})\\.(in|hash)|control)$`),
    reads: new RegExp(`^(${anyRoute})\\.dead$`),
  },
};

export const expectedOf = (service: string) => expected[service] ?? ordinary(service);

/** A service that is not spelled out has a route, and answers whom it names. */
function ordinary(service: string) {
  const {
    route = '',
    answers = [],
    commands = [],
    questions = [],
    answersQuestions,
  } = routeTable.services[service] ?? {};
  const toOthers = [
    ...answers.map((name) => `${name}\\.hash`),
    ...commands.map((name) => `${name}\\.(in|hash)`),
    ...questions.map((name) => `${name}\\.ask`),
    ...(answersQuestions ? ['answers'] : []),
  ];
  return {
    writes: new RegExp(`^(${[`${route}\\.(hash|dead)`, ...toOthers].join('|')}|events|workers|control)$`),
    reads: new RegExp(`^${route}\\.${answersQuestions ? '(ask\\.)?' : ''}\\d{3}$`),
  };
}

function answering(route: string, asker = 'saga') {
  return {
    writes: new RegExp(`^(${route}\\.(hash|dead)|(${asker})\\.hash|events|workers|control)$`),
    reads: new RegExp(`^${route}\\.\\d{3}$`),
  };
}

/** Topics on which a service may speak, so that only the right on the exchange itself decides. */
export const topicOf = (exchange: string, service: string): string =>
  exchange === 'events'
    ? `${service}.tested`
    : exchange === 'workers'
      ? service
      : ['gateway', 'console'].includes(service)
        ? 'breaker.request'
        : 'faults-applied';

/** The route that a queue or an exchange belongs to, by its name. */
const routeOf = (name: string): string | undefined => routeTable.routes.find((route) => name.startsWith(`${route}.`));
export const names = {
  exchanges: topology.exchanges.map(({ name }) => name),
  queues: [...topology.queues.map(({ name }) => name), ...routeTable.routes.map((route) => `${route}.state`)],
};
/** Partitions differ by their number alone: the first and the last of a route are tried. */
const isBetween = (queue: string): boolean =>
  [partitionQueues, questionQueues].some((queuesOf) =>
    queuesOf(routeTable, routeOf(queue) ?? '')
      .slice(1, -1)
      .includes(queue),
  );

/**
 * What a service is made to try. Rights are patterns of names, so one more route of a kind shows nothing more: its own, the first two others on
 * which it has a right, the first two on which it has none, and whatever belongs to no route.
 */
export function tried(service: string) {
  const { writes, reads } = expectedOf(service);
  const own = routeTable.services[service]?.route;
  const others = routeTable.routes.filter((route) => route !== own);
  const isNear = (route: string): boolean =>
    [...names.exchanges.filter((name) => writes.test(name)), ...names.queues.filter((name) => reads.test(name))]
      .map(routeOf)
      .includes(route);
  const far = others.filter((route) => !isNear(route));
  const routes = new Set([own, undefined, ...others.filter(isNear).slice(0, 2), ...far.slice(0, 2)]);
  const isTried = (name: string): boolean => routes.has(routeOf(name));
  return {
    exchanges: names.exchanges.filter(isTried),
    queues: names.queues.filter((name) => isTried(name) && !isBetween(name)),
  };
}
