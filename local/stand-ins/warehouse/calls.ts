import { z } from 'zod';
import type { Clock } from '#shared/clock.ts';

/** The answers to an order's next calls: a 2xx is the true answer, anything above comes without an effect, `silent` never. */
export const scriptSchema = z.array(z.union([z.int().min(200).max(599), z.literal('silent')])).max(100);
export type Script = z.infer<typeof scriptSchema>;

interface Call {
  readonly request: string;
  /** Epoch ms of its arrival. */
  readonly at: number;
  /** Absent: not answered. */
  status?: number;
}

/** What was asked under each idempotency key, and what is to be answered next. */
export function createCalls(clock: Pick<Clock, 'now'>) {
  const byKey = new Map<string, Call[]>();
  const scripts = new Map<string, Script>();
  return {
    begun(key: string | string[] | undefined, request: string) {
      const call: Call = { request, at: clock.now() };
      const name = String(key ?? '');
      byKey.set(name, [...(byKey.get(name) ?? []), call]);
      return { answered: (status: number) => void (call.status = status) };
    },
    list(key?: string) {
      const shown = key === undefined ? [...byKey] : [[key, byKey.get(key) ?? []] as const];
      return shown.map(([name, calls]) => ({ key: name, times: calls.length, calls }));
    },
    script: (orderId: string, script: Script) => void scripts.set(orderId, [...script]),
    next(orderId: string): Script[number] | undefined {
      const [next, ...rest] = scripts.get(orderId) ?? [];
      scripts.set(orderId, rest);
      return next;
    },
  };
}
