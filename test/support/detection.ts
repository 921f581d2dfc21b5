/** How soon a route's breaker sees that something is wrong, by the clocks of those who take part: a test that reads late does not count. */
import { stopwatch, type Took } from './held-up.ts';
import type { Shop } from './place.ts';
import type { TestStack } from './stack.ts';
import { tail, until } from './until.ts';
import type { GateName } from '#services/circuit-breaker/breaker.ts';

/** As the API shows it. */
export interface ShownBreaker {
  readonly state: GateName;
  readonly generation: number;
  readonly since: string;
  readonly reportedAt: string;
  readonly stale: boolean;
}

export function watchRoute(shop: Shop, stack: TestStack, route: string) {
  const view = (): Promise<ShownBreaker> => shop.read<ShownBreaker>(`/v1/breakers/${route}`);

  const reaches = (state: GateName, limitMs = 90_000): Promise<ShownBreaker> =>
    until(`${route} is ${state}`, view, (now) => now.state === state, {
      limitMs,
      everyMs: 20,
      show: () => tail(stack.logs(), 'circuit-breaker'),
    });

  /** Starts a measurement: what it returns tells how long after the first of these orders was sent into that step the breaker decided that the route is half-open. */
  function watch(): (orderIds: readonly string[], step: string) => Promise<Took> {
    const onTheWay = ['saga', route, 'circuit-breaker'].map((name) => stack.process(name).pid());
    const stop = stopwatch(onTheWay);
    return async (orderIds, step) => stop(await seenAfterMs(orderIds, step));
  }

  async function seenAfterMs(orderIds: readonly string[], step: string): Promise<number> {
    const { since } = await reaches('half_open');
    const timelines = await Promise.all(orderIds.map((orderId) => shop.timeline(orderId)));
    const sentAt = timelines.flatMap(({ steps }) => steps.find(({ name }) => name === step)?.sentAt ?? []);
    return Date.parse(since) - Math.min(...sentAt.map((at) => Date.parse(at)));
  }

  return { view, reaches, watch };
}
