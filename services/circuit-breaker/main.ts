import { z } from 'zod';
import { startMover } from './mover.ts';
import { routeTable } from '#services/routes.ts';
import { defineService, runProcess } from '#shared/service.ts';

/** Puts what expired back to its route. Needs no database: it works while that is down. */
export const service = defineService({
  name: 'circuit-breaker',
  table: routeTable,
  config: {
    /** How often a message is put back before it becomes a dead letter. */
    MAX_REDRIVES: z.coerce.number().int().min(0).default(100),
    REDRIVE_PAUSE_MS: z.coerce.number().int().min(1).default(500),
    REDRIVE_PAUSE_CAP_MS: z.coerce.number().int().min(1).default(30_000),
  },
  async start({ bus, clock, log, config, ready, onStop }) {
    const { MAX_REDRIVES, REDRIVE_PAUSE_MS, REDRIVE_PAUSE_CAP_MS, MESSAGE_TTL_MS, GATE_DELAY_MS } = config;
    const mover = await startMover({
      bus,
      clock,
      log,
      routes: routeTable.routes,
      policy: {
        maxRedrives: MAX_REDRIVES,
        pause: { baseMs: REDRIVE_PAUSE_MS, capMs: REDRIVE_PAUSE_CAP_MS },
        quietMs: 2 * (MESSAGE_TTL_MS + GATE_DELAY_MS),
      },
    });
    onStop(() => mover.stop());
    ready('consuming', () => {
      if (!mover.active) throw new Error('not consuming every expired queue');
    });
  },
});

if (import.meta.main) await runProcess(service);
