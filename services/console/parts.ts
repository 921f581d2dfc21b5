import { createFaultControl } from './faults.ts';
import type { OperatorParts } from './operators.ts';
import { createStream } from './stream.ts';
import { createBoard, watchSnapshots } from '#services/circuit-breaker/board.ts';
import { BREAKER_REPLY, breakerReplySchema } from '#services/circuit-breaker/contract.ts';
import { breakerView } from '#services/circuit-breaker/view.ts';
import { DEAD_LETTERS_REPLY, deadLettersReplySchema } from '#services/dead-letters/contract.ts';
import { deadLetterView } from '#services/dead-letters/view.ts';
import { AUDIT_REPLY, auditReplySchema } from '#services/audit/contract.ts';
import { auditNames } from '#services/audit/sources.ts';
import { createAsking } from '#shared/control/ask.ts';
import type { z } from 'zod';
import type { Kit } from '#shared/host/kit.ts';
import { databaseVariables, faultVariables, workerVariables } from '#shared/host/variables.ts';
import { createRoll, watchWorkers } from '#shared/partition/roll.ts';
import { createMongoTableStore } from '#shared/partition/table-store.ts';

/** The breaker stores and applies before it answers. */
const BREAKER_MS = 2000;
/** An audit that takes no longer is answered at once. */
const AT_ONCE_MS = 4000;
/** Marking many dead letters is one write, but a long one. */
const MARKING_MS = 10_000;

/** What the operators' part of a door reads from its environment. */
export const operatorVariables = { ...databaseVariables, ...faultVariables, ...workerVariables };
export type OperatorConfig = z.infer<z.ZodObject<typeof operatorVariables>>;

/** What a door in this process hears, reads and asks for operators; all of it ends with the process. */
export function operatorParts(kit: Kit<OperatorConfig>): OperatorParts {
  const { bus, clock, config, db, log, table } = kit;
  const deadAfterMs = config.WORKER_DEAD_AFTER_MS;
  const board = createBoard(clock);
  watchSnapshots(board, { bus, log });
  const roll = createRoll(clock, deadAfterMs);
  watchWorkers([roll], { bus, log });
  const stream = createStream({ board, clock });
  kit.onStop(async () => stream.close());
  const asking = { bus, clock, log };
  const breaker = createAsking({ ...asking, replyKey: BREAKER_REPLY, reply: breakerReplySchema, waitMs: BREAKER_MS });
  const deadLetters = createAsking({
    ...asking,
    replyKey: DEAD_LETTERS_REPLY,
    reply: deadLettersReplySchema,
    waitMs: MARKING_MS,
  });
  const audits = createAsking({
    ...asking,
    replyKey: AUDIT_REPLY,
    reply: auditReplySchema,
    waitMs: AT_ONCE_MS + BREAKER_MS,
  });
  const copies = (name: string): number =>
    roll.all().filter(({ announcement }) => announcement.service === name).length;
  return {
    table,
    board,
    stream,
    roll,
    clock,
    assignments: createMongoTableStore(db),
    askBreaker: breaker.ask,
    transitions: breakerView(db).transitions,
    deadLetters: { view: deadLetterView(db), ask: deadLetters.ask },
    audits: { ask: audits.ask, names: auditNames(kit.services), atOnceMs: AT_ONCE_MS },
    faults:
      config.FAULTS === 'on'
        ? // A copy that does not answer is counted until it is known to be dead.
          createFaultControl({ ...asking, waitMs: deadAfterMs + 1000, copies })
        : undefined,
  };
}
