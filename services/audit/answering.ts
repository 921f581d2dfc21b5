import type { Audit, Auditor } from './auditor.ts';
import { AUDIT_REPLY, AUDIT_REQUEST, type AuditReply, type AuditRequest, auditRequestSchema } from './contract.ts';
import type { Bus, Packet } from '#shared/bus/bus.ts';
import { CONTROL } from '#shared/bus/topology/topology.ts';
import type { Clock } from '#shared/clock.ts';
import { controlPacket, controlReply } from '#shared/control/answer.ts';
import { reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';
import { Late, within } from '#shared/within.ts';

export interface AnsweringOptions {
  readonly bus: Pick<Bus, 'publish' | 'subscribe'>;
  readonly auditor: Auditor;
  /** How old a thing may be that has not ended, unless a request says so. */
  readonly hangingAfterMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** As much of what an audit lists fits into one message. */
const MAX_LISTED_BYTES = 4 * 1024 * 1024;

/** Starts audits and tells of them, for whoever asks on `control`, until it is closed. */
export function answerAudits(options: AnsweringOptions): Promise<{ close(): Promise<void> }> {
  const { bus, log } = options;
  return bus.subscribe(CONTROL, [AUDIT_REQUEST], (packet) => {
    // Everything that can go wrong is answered or logged within.
    void answer(packet, options).catch((error: unknown) =>
      log.warn('a request for an audit was not answered', { reason: reasonOf(error) }),
    );
  });
}

async function answer(packet: Packet, options: AnsweringOptions): Promise<void> {
  const reply: AuditReply = await controlReply(packet, auditRequestSchema, (request) => carryOut(request, options));
  await options.bus.publish(CONTROL, controlPacket(reply), AUDIT_REPLY);
}

type Done = Omit<Extract<AuditReply, { readonly ok: true }>, 'id' | 'ok'>;

/** What is answered to a request. A request to start one that comes again starts no other. */
export async function carryOut(
  request: AuditRequest,
  { auditor, clock, hangingAfterMs, log }: Omit<AnsweringOptions, 'bus'>,
): Promise<Done> {
  switch (request.kind) {
    case 'start': {
      const { id, by, wish, waitMs } = request;
      if (auditor.find(id) === undefined) {
        const running = auditor.all().find(({ state }) => state === 'running');
        if (running !== undefined) return { running: running.id };
        if (auditor.start(id, { ...wish, hangingAfterMs: wish.hangingAfterMs ?? hangingAfterMs }) === undefined)
          throw new Error('the audit service stops');
        log.info('an audit begins', { audit: id, by });
      }
      try {
        await within(clock, waitMs, auditor.ended(id));
      } catch (error) {
        if (!(error instanceof Late)) throw error;
      }
      return told(auditor.find(id));
    }
    case 'get':
      return told(auditor.find(request.audit));
    case 'list':
      return { audits: auditor.all().map(({ items: _, ...summary }) => summary) };
  }
}

function told(audit: Audit | undefined): Done {
  if (audit === undefined) return {};
  let bytes = 0;
  const fits = (item: object): boolean => (bytes += Buffer.byteLength(JSON.stringify(item))) <= MAX_LISTED_BYTES;
  const rest = audit.items.findIndex((item) => !fits(item));
  return { audit: { ...audit, items: rest < 0 ? audit.items : audit.items.slice(0, rest) } };
}
