import { z } from 'zod';
import type { RaftMessage } from './raft/state.ts';

const index = z.int().min(0);
const term = z.int().min(0);
const position = z.object({ index, term });
const item = z.object({ seq: z.int().min(1), orderId: z.string() });
const entries = z.array(z.object({ index, term, item: item.exactOptional() }));
const head = { from: z.string(), to: z.string(), term };

/** What one executor tells another; whatever else comes, of a version that is not known here say, is not listened to. */
export const peerMessage: z.ZodType<RaftMessage> = z.discriminatedUnion('kind', [
  z.object({ ...head, kind: z.literal('heartbeat') }),
  z.object({ ...head, kind: z.literal('told'), leader: z.string().exactOptional() }),
  z.object({ ...head, kind: z.literal('ask-vote'), pre: z.boolean(), last: position }),
  z.object({ ...head, kind: z.literal('vote'), pre: z.boolean(), granted: z.boolean() }),
  z.object({ ...head, kind: z.literal('append'), previous: position, entries, commit: index, executed: index }),
  z.object({
    ...head,
    kind: z.literal('snapshot'),
    snapshot: z.object({ index, term, seq: index }),
    executed: index,
  }),
  z.object({ ...head, kind: z.literal('appended'), ok: z.boolean(), match: index }),
]);
