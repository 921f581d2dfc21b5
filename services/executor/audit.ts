import { auditedQueues, type AuditedQueue, type QueueRow } from './audited.ts';
import { queueCollection, queueRecords } from './model.ts';
import type { QueueRecord } from './state.ts';
import { defineTally, found, type AuditTally } from '#shared/audit-rule.ts';
import type { AuditedKind } from '#shared/audited-thing.ts';

/** There is one. */
const queues = { name: 'order-queues', id: 'queue' } as const satisfies AuditedKind;

/** Each place in the queue is given once, each entry executed once, in order, by one executor a term, in terms that never fall. */
export const queueAudit = defineTally<QueueRow>({
  of: queues,
  rows: auditedQueues,
  about: ({ queue }) => queue,
  checks: ['order-queue', 'hanging'],
  begin: queueTally,
});

/**
 * The records of the queue, newest first, looked at one by one. Those that still ride in the document are put where they belong; what
 * was written after the document was read does not count.
 */
export function queueTally(): AuditTally<QueueRow> {
  const odd: string[] = [];
  /** Orders that were executed, whose place is still to come. */
  const executedAs = new Map<number, string>();
  let queue: AuditedQueue | undefined;
  let riding: QueueRecord[] = [];
  let next = 0;
  let due = { queued: 0, executed: 0 };
  let newer: { readonly term: number; readonly executor: string } | undefined;
  /** The oldest that is queued and was not executed. */
  let waiting: QueueRecord | undefined;

  const note = (what: string): void => {
    if (odd.length < 10) odd.push(what);
  };

  function take(record: QueueRecord): void {
    const { seq, kind, entry, orderId } = record;
    if (seq !== next) note(`record ${seq} stands where ${next} is due`);
    next = seq - 1;
    if (entry !== due[kind]) note(`${kind} is ${entry}, ${due[kind]} is due`);
    due = { ...due, [kind]: entry - 1 };
    if (kind === 'executed') {
      executedAs.set(entry, orderId);
      executedBy(record);
      return;
    }
    const executed = executedAs.get(entry);
    executedAs.delete(entry);
    if (executed === undefined) waiting = record;
    else if (executed !== orderId) note(`entry ${entry} is of ${orderId} and was executed as ${executed}`);
  }

  function executedBy({ entry, term, executor }: QueueRecord & { readonly kind: 'executed' }): void {
    if (newer !== undefined && term > newer.term)
      note(`entry ${entry} was executed in term ${term}, later ones in ${newer.term}`);
    if (newer?.term === term && newer.executor !== executor)
      note(`${executor} and ${newer.executor} executed in term ${term}`);
    newer = { term, executor };
  }

  /** Those that ride and are newer than this one. */
  function takeRiding(than: number): void {
    for (const record of riding) if (record.seq > than) take(record);
    riding = riding.filter(({ seq }) => seq < than);
  }

  return {
    add(row) {
      if (row.document !== undefined) {
        queue = row.document;
        next = queue.records;
        due = { queued: queue.queued, executed: queue.executed };
        riding = queue.riding.toSorted((a, b) => b.seq - a.seq);
        return;
      }
      const { record } = row;
      if (queue === undefined || record.seq > queue.records) return;
      takeRiding(record.seq);
      riding = riding.filter(({ seq }) => seq !== record.seq);
      take(record);
    },
    tells: () => ({ exists: queue !== undefined }),
    check(_thing, { now, hangingAfterMs }) {
      takeRiding(0);
      if (queue === undefined) return [];
      if (next !== 0) note(`the records up to ${next} are missing`);
      for (const [entry] of executedAs) note(`entry ${entry} was executed and has no place`);
      const isLate = waiting !== undefined && now - waiting.at > hangingAfterMs;
      return [
        ...found('order-queue', odd),
        ...found(
          'hanging',
          isLate
            ? [`entry ${waiting!.entry} of ${waiting!.orderId} has waited for its turn for ${now - waiting!.at} ms`]
            : [],
        ),
      ];
    },
    documents: () => (queue === undefined ? [] : [`${queueCollection}/order-queue`, queueRecords]),
    evidence() {
      if (queue === undefined) return {};
      const { queued, executed, term } = queue;
      return { queue: { queued, executed, term } };
    },
  };
}
