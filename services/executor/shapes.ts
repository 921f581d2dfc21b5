import { z } from 'zod';
import { named, shape, time } from '#shared/web/shapes.ts';

/** One order in the queue, as the API shows it. */
export const queuedOrderShape = named(
  'QueuedOrder',
  shape({
    entry: z.int().describe('Its place in the queue, from 1.'),
    orderId: z.string().describe('Whose turn it is then.'),
    state: z.enum(['queued', 'executed']).describe('Whether its turn has come.'),
    enqueuedAt: time.describe('When it got its place.'),
    executedBy: z.string().optional().describe('The executor that led when its turn came.'),
    term: z.int().optional().describe('The term of that executor.'),
    executedAt: time.optional().describe('When its turn came.'),
  }).meta({
    examples: [
      {
        entry: 17,
        orderId: '0193f7a0-5a5a-7000-8000-00004f2a91bc',
        state: 'executed',
        enqueuedAt: '2026-11-28T13:05:00.104Z',
        executedBy: 'executor-2',
        term: 3,
        executedAt: '2026-11-28T13:05:00.140Z',
      },
    ],
  }),
);
export type QueuedOrderView = z.infer<typeof queuedOrderShape>;

export const executorShape = named(
  'Executor',
  shape({
    id: z.string().describe('The id of the executor; kept over restarts.'),
    role: z.enum(['follower', 'candidate', 'leader']).describe('What it was when it was last heard.'),
    since: time.optional().describe('When it took this role in this term; absent: it never ran.'),
    term: z.int().describe('The term that it is in; 0 before the first election.'),
    votedFor: z.string().optional().describe('Whom it voted for in this term.'),
    leader: z.string().optional().describe('Who leads, as far as it knows.'),
    lastHeartbeatAt: time.optional().describe('When it last heard its leader, or as a leader a follower.'),
    lastIndex: z.int().describe('The last entry of its log.'),
    commitIndex: z.int().describe('The last entry that it knows to be on a majority.'),
    executed: z.int().describe('The last order of the queue that it knows to be executed.'),
    alive: z.boolean().describe('It was heard within the last seconds.'),
  }).meta({
    examples: [
      {
        id: 'executor-2',
        role: 'leader',
        since: '2026-11-28T12:40:17.020Z',
        term: 3,
        votedFor: 'executor-2',
        leader: 'executor-2',
        lastHeartbeatAt: '2026-11-28T13:05:00.104Z',
        lastIndex: 19,
        commitIndex: 19,
        executed: 17,
        alive: true,
      },
    ],
  }),
);
export type ExecutorView = z.infer<typeof executorShape>;

const logEntryShape = shape({
  index: z.int().describe('Its place in the log.'),
  term: z.int().describe('The term of the leader that appended it.'),
  entry: z.int().optional().describe('The place in the queue; absent: what a leader begins its term with.'),
  orderId: z.string().optional().describe('Whose order.'),
});

/** One executor's copy of the queue. */
export const executorLogShape = shape({
  items: z.array(logEntryShape).readonly().describe('The entries that it has, in order.'),
  snapshot: shape({
    index: z.int().describe('Entries up to here have left the log.'),
    term: z.int().describe('The term of the last of them.'),
    entry: z.int().describe('Orders up to this place in the queue are among them: all are executed.'),
  }).describe('What was executed and dropped.'),
});
export type ExecutorLogView = z.infer<typeof executorLogShape>;
