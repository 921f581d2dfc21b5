import { sagaApi } from './api.ts';
import { z } from 'zod';
import { definitions } from './place-order-versions.ts';
import { sagaArchive, sagasCollection } from './model.ts';
import { audiencesOf, commandedBy } from './routes.ts';
import { SAGA_ROUTE } from './contract.ts';
import { sagaEntity, type SagaOptions } from './saga.ts';
import { defineService } from '#shared/host/service.ts';

const entity = (options: SagaOptions) => sagaEntity(definitions, options);

/** Moves each order along its road, and back again when a step fails. */
export const service = defineService({
  name: 'saga',
  rights: { route: SAGA_ROUTE, commands: commandedBy(definitions), audiences: audiencesOf(definitions) },
  entity,
  documents: { collection: sagasCollection, archive: sagaArchive },
  api: sagaApi,
  config: {
    /** The wait before an undo or a forward-only step is sent again; doubles with every try, up to the cap. */
    RESEND_BASE_MS: z.coerce.number().int().min(1).default(5000),
    RESEND_CAP_MS: z.coerce.number().int().min(1).default(60_000),
  },
  async start(kit) {
    const { STEP_DEADLINE_MS, SAGA_DEADLINE_MS, RESEND_BASE_MS, RESEND_CAP_MS } = kit.config;
    const resend = { baseMs: RESEND_BASE_MS, capMs: RESEND_CAP_MS };
    const timing = { stepDeadlineMs: STEP_DEADLINE_MS, sagaDeadlineMs: SAGA_DEADLINE_MS, resend };
    kit.host(entity({ ...timing, log: kit.log }));
  },
});
