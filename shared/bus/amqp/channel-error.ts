import { BrokerRefusal, type RefusalCode } from '#shared/bus/broker-refusal.ts';
import { reasonOf } from '#shared/errors.ts';

/** What the broker meant by closing a channel: its reply code (AMQP 0-9-1, RabbitMQ's texts) in our words. */
export function refusalOf(error: unknown): BrokerRefusal {
  if (error instanceof BrokerRefusal) return error;
  const text = reasonOf(error);
  return new BrokerRefusal(codeOf((error as { readonly code?: unknown } | undefined)?.code, text), text, {
    cause: error,
  });
}

function codeOf(replyCode: unknown, text: string): RefusalCode {
  switch (replyCode) {
    case 403:
      return 'forbidden';
    // A queue whose leader is down also answers 404, but it exists.
    case 404:
      return /no (queue|exchange|binding)/.test(text) ? 'missing' : 'failed';
    case 405:
      return 'locked';
    case 406:
      return 'mismatch';
    default:
      return 'failed';
  }
}

/** The exchange that a channel error speaks of: `no exchange 'x' in vhost`, `access to exchange 'x' in vhost ... refused`. */
export function exchangeIn(error: Error | undefined): string | undefined {
  const name = error === undefined ? undefined : /exchange '([^']*)'/.exec(error.message)?.[1];
  return name === 'amq.default' ? '' : name;
}
