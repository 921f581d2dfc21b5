import { inbox } from '#shared/bus/topology/topology.ts';
import type { CommandType } from '#shared/message.ts';
import { type Composed, type Door, REQUEST_KEPT_MS, type Submission } from '#shared/web/door.ts';
import type { Answer, Call } from '#shared/web/endpoint.ts';

/** What a request that becomes this command has in common with every other one. */
export function submissionOf(
  { name, route }: Pick<CommandType, 'name' | 'route'>,
  { caller, idempotencyKey }: Pick<Call, 'caller' | 'idempotencyKey'>,
): Pick<Submission, 'kind' | 'needs' | 'subject' | 'idempotencyKey'> {
  return { kind: name, needs: [route], subject: caller.subject, idempotencyKey };
}

interface Composing<Body> {
  /** Names the command, and what it creates. Absent: a new id. */
  readonly id?: string;
  readonly body: Body;
  /** Whose it is. Absent: nobody's. */
  readonly customerId?: string;
  readonly accepted: Answer;
}

/** A command through the gate to its owner, who knows it again for as long as the request is kept. */
export function composed<Body>(
  type: CommandType<Body>,
  { id, body, customerId = '', accepted }: Composing<NoInfer<Body>>,
  { trace }: Pick<Call, 'trace'>,
  { clock }: Pick<Door, 'clock'>,
): Composed {
  const resourceId = id ?? clock.id();
  return {
    resourceId,
    customerId,
    exchange: inbox(type.route),
    message: {
      id: resourceId,
      type: type.name,
      key: type.key(body),
      body,
      correlationId: resourceId,
      traceparent: trace.traceparent,
      rememberUntil: clock.now() + REQUEST_KEPT_MS,
    },
    accepted,
  };
}
