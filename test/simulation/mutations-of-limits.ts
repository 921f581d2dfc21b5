/** Deliberate defects that show only when something comes to its limit. */
import type { Mutation } from './mutation.ts';

export const ofLimits: readonly Mutation[] = [
  {
    name: 'all but the newest ids are forgotten',
    guarantee: 'a handled id is remembered as long as its message may come again',
    file: 'shared/entity/document.ts',
    find: 'if (index < removable && one.until !== undefined && one.until <= now) continue;',
    replace: 'if (index < removable) continue;',
  },
  {
    name: 'clocks are thought to be exact',
    guarantee: 'an id outlives its deadline by what clocks may be apart',
    file: 'shared/entity/document.ts',
    find: 'now + limits.rememberMs) + limits.skewMs }',
    replace: 'now + limits.rememberMs) }',
  },
  {
    name: 'a wallet that recalls nothing',
    guarantee: 'what a wallet has forgotten it looks up in the ledger',
    file: 'services/wallet/wallet.ts',
    find: 'if (known !== undefined || !wallet.forgets) return',
    replace: "if (known !== undefined || wallet.customerId !== '') return",
  },
  {
    name: 'a stash without an end',
    guarantee: 'a document holds back so many messages and no more',
    file: 'shared/entity/verdict.ts',
    find: 'const isFull = document.stash.length >= limits.stashSize || ',
    replace: 'const isFull = document.stash.length < 0 && ',
  },
  {
    name: 'putting back is not counted',
    guarantee: 'an expired message is put back so many times and no more',
    file: 'services/circuit-breaker/placing.ts',
    find: '{ redriven: (message.redriven ?? 0) + 1 }',
    replace: '{ redriven: message.redriven ?? 0 }',
  },
  {
    name: 'past the stash',
    guarantee: 'the messages of a key are handled in the order in which they were queued',
    file: 'shared/entity/verdict.ts',
    find: 'if (document.stash.some(({ movedTo }) =>',
    replace: 'if (document.version < 0 && document.stash.some(({ movedTo }) =>',
  },
  {
    name: 'ids leave their document and are remembered nowhere',
    guarantee: 'what a document has no room for is remembered outside before it leaves',
    file: 'shared/entity/commit.ts',
    find: 'await store.remember(records);',
    replace: 'await Promise.resolve(records);',
  },
  {
    name: 'what was looked up before ids left the document counts',
    guarantee: 'an id is known while it moves from its document to what is remembered outside',
    file: 'shared/entity/delivery.ts',
    find: 'if (found === undefined || box.document !== document) return;',
    replace: 'if (found === undefined || (box.document === undefined && document !== undefined)) return;',
  },
  {
    name: 'a document keeps every id',
    guarantee: 'a document is bounded under any traffic',
    file: 'shared/entity/commit.ts',
    find: 'if (box.document !== undefined && keep !== undefined) {',
    replace: 'if (box.document !== undefined && keep !== undefined && keep < 0) {',
  },
  {
    name: 'a wake moves a key',
    guarantee: 'no key is handled out of order because the hash ring of the broker changed',
    file: 'shared/entity/attempt.ts',
    find: "const isThere = what === 'own wake' || document.partition === queue;",
    replace: 'const isThere = document.partition === queue;',
  },
  {
    name: 'one bad document takes its neighbours along',
    guarantee: 'a document that the database refuses has an end, and is its own',
    file: 'shared/entity/commit.ts',
    find: '      outcome = await store.commit(batch.map(({ staged }) => staged));\n',
    replace:
      "      const said = await store.commit(batch.map(({ staged }) => staged));\n      if (said.refused.size > 0) throw new Error('refused');\n      outcome = said;\n",
  },
  {
    name: 'the earliest keys are woken, whosever they are',
    guarantee: 'a partition that nobody works on starves no other of its wakes',
    file: 'shared/entity/stores/memory-store.ts',
    find: 'return fairShare([...Map.groupBy(found, ({ partition }) => partition).values()], limit);',
    replace: 'return found.slice(0, limit);',
  },
  {
    name: 'who comes by another partition goes first',
    guarantee: 'a key whose partition changed keeps its order',
    file: 'shared/entity/verdict.ts',
    find: 'if (moved && settledAt > now) return',
    replace: 'if (moved && settledAt < 0) return',
  },
];
