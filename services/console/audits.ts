import { AUDIT_REQUEST, type AuditReply, type AuditRequest } from '#services/audit/contract.ts';
import type { AuditNames } from '#services/audit/sources.ts';
import type { Clock } from '#shared/clock.ts';
import type { Asking } from '#shared/control/ask.ts';
import { PublishError } from '#shared/errors.ts';
import { dependencyUnavailable, outcomeUnknown } from '#shared/web/problems.ts';
import { Late } from '#shared/within.ts';

/** Whom the door asks about audits, and what they tell of. */
export interface Audits {
  readonly ask: Asking<AuditReply>['ask'];
  readonly names: AuditNames;
  /** An audit that takes no longer is answered at once. */
  readonly atOnceMs?: number;
}

type Question = AuditRequest extends infer Kind ? (Kind extends AuditRequest ? Omit<Kind, 'id'> : never) : never;
type Done = Extract<AuditReply, { readonly ok: true }>;

/** Asks the service `audit`. Throws `Problem`: dependency-unavailable, and of one to be started outcome-unknown. */
export function auditAsker({ ask }: Pick<Audits, 'ask'>, clock: Clock): (question: Question) => Promise<Done> {
  return async (question) => {
    const reply = await replyTo({ ...question, id: clock.id() });
    if (reply.ok) return reply;
    throw dependencyUnavailable('audit', `the service audit could not do it: ${reply.problem}`);
  };

  async function replyTo(question: AuditRequest): Promise<AuditReply> {
    const changesNothing = question.kind !== 'start';
    try {
      return await ask(AUDIT_REQUEST, question, { changesNothing });
    } catch (cause) {
      if (!(cause instanceof Late) && !(cause instanceof PublishError)) throw cause;
      if (changesNothing || (cause instanceof PublishError && cause.code !== 'outcome-unknown'))
        throw dependencyUnavailable('audit', 'the service audit does not answer', cause);
      throw outcomeUnknown('the service audit does not answer: the audit may have begun', cause);
    }
  }
}
