import { answerAudits } from './answering.ts';
import { createAuditor } from './auditor.ts';
import { auditMeter } from './metrics.ts';
import { auditNames, auditSources } from './sources.ts';
import { sagaVariables } from '#services/saga/contract.ts';
import { ping } from '#shared/database/database.ts';
import { reasonOf } from '#shared/errors.ts';
import { defineService } from '#shared/host/service.ts';
import { databaseVariables } from '#shared/host/variables.ts';
import { standForLeader } from '#shared/leader.ts';

/** Exclusive queue: the process that holds it is the one that is asked, because audits are kept in its memory. */
const LEADER = 'audit.leader';

/** Checks whether what the services have stored fits together, when it is asked to. */
export const service = defineService({
  name: 'audit',
  rights: { answersAbout: 'audit', names: { configure: [LEADER], read: [LEADER] } },
  config: { ...databaseVariables, ...sagaVariables },
  start({ bus, clock, config, db, log, metrics, onStop, ready, services }) {
    const auditor = createAuditor({
      sources: auditSources(db, services),
      names: auditNames(services),
      clock,
      log,
      onDone: auditMeter(metrics),
    });
    // Forward, then (after the undos, which end when their services answer) the closing mail has as long again.
    const hangingAfterMs = config.STEP_DEADLINE_MS + 2 * config.SAGA_DEADLINE_MS;
    const candidate = standForLeader({
      bus,
      clock,
      log,
      lock: LEADER,
      office: 'audit',
      async lead() {
        const { close } = await answerAudits({ bus, auditor, hangingAfterMs, clock, log });
        return {
          end: () =>
            void close().catch((error: unknown) =>
              log.warn('requests for audits are still heard', { reason: reasonOf(error) }),
            ),
        };
      },
    });
    ready('database', () => ping(db));
    ready('audit', () => {
      if (candidate.standing === 'out') throw new Error('neither answering nor next in line');
    });
    onStop(async () => {
      await auditor.stop();
      await candidate.stop();
    });
  },
});
