import type { BindingSpec, ExchangeSpec, HeaderTable } from '#shared/bus/bus.ts';

/** Exchanges and bindings of the in-memory broker, with RabbitMQ's routing. */
export interface Routing {
  declare(spec: ExchangeSpec): 'ok' | 'mismatch';
  has(exchange: string): boolean;
  bind(binding: BindingSpec): void;
  unbind(binding: BindingSpec): void;
  unbindQueue(queue: string): void;
  /** In the order in which they were made. */
  bindings(): readonly BindingSpec[];
  /** Hashes keys in another way from now on, as after a restart that recovered the bindings in another order. */
  turnRings(ring: string): void;
  /** The queues that a packet reaches, each once. An exchange without a matching binding hands it to its alternate. */
  route(exchange: string, routingKey: string, headers: HeaderTable): readonly string[];
}

export function createRouting(): Routing {
  const exchanges = new Map<string, ExchangeSpec>();
  let ring = '';
  const bySource = new Map<string, readonly BindingSpec[]>();
  /** Each binding as often as its weight, by the list that they are of: a list is never changed. */
  const bucketsOf = new WeakMap<readonly BindingSpec[], readonly BindingSpec[]>();

  const same = (a: BindingSpec, b: BindingSpec): boolean =>
    a.destination === b.destination && a.to === b.to && a.routingKey === b.routingKey;

  function walk(name: string, routingKey: string, headers: HeaderTable, queues: string[], seen: string[]): void {
    const exchange = exchanges.get(name);
    if (exchange === undefined || seen.includes(name)) return;
    seen.push(name);
    const matching = matches(exchange, bySource.get(name) ?? [], routingKey, headers);
    const alternate = exchange.arguments['alternate-exchange'];
    if (matching.length === 0 && typeof alternate === 'string') walk(alternate, routingKey, headers, queues, seen);
    for (const { destination, to } of matching) {
      if (to === 'exchange') walk(destination, routingKey, headers, queues, seen);
      else if (!queues.includes(destination)) queues.push(destination);
    }
  }

  function buckets(bindings: readonly BindingSpec[]): readonly BindingSpec[] {
    let known = bucketsOf.get(bindings);
    if (known === undefined) {
      known = bindings.flatMap((binding) => Array.from({ length: Number(binding.routingKey) }, () => binding));
      bucketsOf.set(bindings, known);
    }
    return known;
  }

  function matches(
    exchange: ExchangeSpec,
    bindings: readonly BindingSpec[],
    routingKey: string,
    headers: HeaderTable,
  ): readonly BindingSpec[] {
    switch (exchange.type) {
      case 'fanout':
        return bindings;
      case 'direct':
        return bindings.filter((binding) => binding.routingKey === routingKey);
      case 'topic': {
        const words = routingKey.split('.');
        return bindings.filter((binding) => topicMatches(binding.routingKey.split('.'), words));
      }
      case 'x-consistent-hash': {
        const all = buckets(bindings);
        const header = exchange.arguments['hash-header'];
        const hashed = typeof header === 'string' ? headers[header] : routingKey;
        const bucket = all[jumpHash(ring + (typeof hashed === 'string' ? hashed : ''), all.length)];
        return bucket === undefined ? [] : [bucket];
      }
    }
  }

  return {
    declare(spec) {
      const known = exchanges.get(spec.name);
      if (known !== undefined && JSON.stringify(known) !== JSON.stringify(spec)) return 'mismatch';
      exchanges.set(spec.name, spec);
      return 'ok';
    },
    has: (exchange) => exchanges.has(exchange),
    bind(binding) {
      const known = bySource.get(binding.source) ?? [];
      if (!known.some((other) => same(other, binding))) bySource.set(binding.source, [...known, binding]);
    },
    unbind(binding) {
      const known = bySource.get(binding.source) ?? [];
      bySource.set(
        binding.source,
        known.filter((other) => !same(other, binding)),
      );
    },
    unbindQueue(queue) {
      for (const [source, known] of bySource) {
        bySource.set(
          source,
          known.filter(({ to, destination }) => to !== 'queue' || destination !== queue),
        );
      }
    },
    turnRings(other) {
      ring = other;
    },
    bindings: () => [...bySource.values()].flat(),
    route(exchange, routingKey, headers) {
      const queues: string[] = [];
      walk(exchange, routingKey, headers, queues, []);
      return queues;
    },
  };
}

/** AMQP topics: `*` is one word, `#` any number of them. */
export function topicMatches(pattern: readonly string[], words: readonly string[]): boolean {
  const [head, ...rest] = pattern;
  if (head === undefined) return words.length === 0;
  if (head === '#') return topicMatches(rest, words) || (words.length > 0 && topicMatches(pattern, words.slice(1)));
  return words.length > 0 && (head === '*' || head === words[0]) && topicMatches(rest, words.slice(1));
}

/** Lamping & Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm" (2014), as RabbitMQ uses it: only the last bucket may come and go. */
export function jumpHash(text: string, buckets: number): number {
  let seed = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) seed = Math.imul(seed ^ text.charCodeAt(index), 0x01000193);
  let bucket = -1;
  let next = 0;
  while (next < buckets) {
    bucket = next;
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), seed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    const fraction = (((mixed ^ (mixed >>> 14)) >>> 0) + 1) / 2 ** 32;
    next = Math.floor((bucket + 1) / fraction);
  }
  return bucket;
}
