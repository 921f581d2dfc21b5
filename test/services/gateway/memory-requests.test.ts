import test from 'ava';
import { describeRequests } from './requests-conformance.ts';
import { createMemoryRequests } from '#services/gateway/memory-requests.ts';

describeRequests(test, 'memory', async () => {
  let now = Date.UTC(2026, 0, 1);
  return {
    store: createMemoryRequests(() => now),
    now: () => now,
    passMs(ms) {
      now += ms;
    },
    async stop() {},
  };
});
