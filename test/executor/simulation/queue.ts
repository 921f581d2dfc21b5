import type { Checks } from './checks.ts';
import type { Events } from './events.ts';
import type { QueueAccess } from './node.ts';
import { admitted, advanced, UNFENCED, type Fence } from '#services/executor/fence.ts';
import type { QueueItem } from '#services/executor/raft/log.ts';

export interface Queue extends QueueAccess {
  enqueue(count: number): void;
  /** The number of the newest item. */
  last(): number;
  refused(): number;
}

/** How long what an executor sends may be on its way: now and then long enough for its successor to be at work. */
const LATE = 0.15;
const LATE_MS = 12_000;

/** The order queue with its fence: the same that the service has, in a world in which what is asked of it may come late, twice or not at all. */
export function createQueue(events: Events, checks: Checks): Queue {
  const items: QueueItem[] = [];
  let fence: Fence = UNFENCED;
  let refused = 0;
  let newest = 0;

  function execute(term: number, executor: string, wanted: readonly QueueItem[]): void {
    const claim = admitted(fence, { term, executor });
    if (term < newest && claim.kind === 'admitted')
      checks.violated(`${executor} of term ${term} executes after one of term ${newest}`);
    newest = Math.max(newest, term);
    if (claim.kind === 'refused') {
      refused += 1;
      return;
    }
    fence = claim.fence;
    for (const { seq, orderId } of wanted) {
      const next = advanced(fence, seq);
      if (next === undefined) continue;
      if (next.kind === 'refused') return;
      checks.executed(seq, orderId, term, executor);
      fence = next.fence;
    }
  }

  const delay = (): number => (events.chance() < LATE ? events.chance() * LATE_MS : 1 + events.chance() * 20);

  return {
    enqueue(count) {
      for (let n = 0; n < count; n += 1) items.push({ seq: items.length + 1, orderId: `order-${items.length + 1}` });
    },
    last: () => items.length,
    refused: () => refused,
    items: (after, limit) => items.slice(after, after + limit),
    execute(term, executor, wanted, answer) {
      if (events.chance() < 0.05) return;
      const copies = events.chance() < 0.1 ? 2 : 1;
      for (let copy = 0; copy < copies; copy += 1)
        events.at(delay(), () => {
          execute(term, executor, wanted);
          events.at(1 + events.chance() * 10, () => answer(fence.executed));
        });
    },
  };
}
