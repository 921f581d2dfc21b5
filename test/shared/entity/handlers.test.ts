import test from 'ava';
import { z } from 'zod';
import { on, type Entity } from '#shared/entity/entity.ts';
import { createHandlers } from '#shared/entity/handlers.ts';
import { command } from '#shared/message.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';

test('a handler sees the journal records that ride in its document', async (t) => {
  const look = command('tally.look', { key: () => 'a', body: z.object({}) });
  const seen: unknown[] = [];
  const handler = on(look, (state: number = 0, _body, context) => {
    seen.push(context.unwritten);
    return { state };
  });
  const entity: Entity<number> = { route: 'tally', handlers: [handler] };
  const { run } = createHandlers<number>({ entity, clock: createVirtualClock(), limits: { effectMs: 1000 } });
  const message = { id: 'm', type: look.name, key: 'a', body: {}, correlationId: 'a' };
  await run({ state: 1, journal: [{ id: 'r', amount: 5 }] }, message, 1);
  t.deepEqual(seen, [[{ id: 'r', amount: 5 }]]);
});
