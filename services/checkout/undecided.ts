import { abandon, begin, silentRoutes } from './contract.ts';
import { decided } from './placing.ts';
import type { CheckoutView } from './shapes.ts';
import type { CheckoutQueries, FoundCheckout } from './view.ts';
import { inbox } from '#shared/bus/topology/topology.ts';
import type { Door } from '#shared/web/door.ts';
import type { Answer, Call } from '#shared/web/endpoint.ts';
import { dependencyUnavailable, type Problem } from '#shared/web/problems.ts';

/**
 * What to tell a client whose checkout was not decided in time: 202 while those who must answer are at work; where one of them is not
 * heard of, or the checkout was not even begun, it is given up, so that nothing comes of it later, and the answer is a problem.
 */
export async function undecided(
  accepted: Answer,
  { caller, trace }: Pick<Call, 'caller' | 'trace'>,
  door: Pick<Door, 'lookUp' | 'submit'>,
  checkouts: CheckoutQueries,
): Promise<Answer> {
  const { checkoutId } = accepted.body as CheckoutView;
  const found = await checkouts.find(checkoutId);
  const answer = decided(found);
  if (answer !== undefined) return sameRequest(answer, accepted);
  if (found?.checkout.status === 'failed') throw failed(found, checkoutId);
  const silent = await door.lookUp(silentRoutes, found?.waitsFor ?? [begin.route]);
  if (found !== undefined && silent.length === 0) return accepted;
  const body = { orderId: checkoutId };
  const late = await door.submit({
    kind: 'checkout-abandon',
    needs: [],
    subject: caller.subject,
    same: body,
    compose: () => ({
      resourceId: `${checkoutId}:abandon`,
      customerId: found?.customerId ?? '',
      exchange: inbox(abandon.route),
      message: {
        id: `${checkoutId}:abandon`,
        type: abandon.name,
        key: checkoutId,
        body,
        correlationId: checkoutId,
        traceparent: trace.traceparent,
      },
      accepted: { status: 202, body },
    }),
    outcome: async () => {
      const now = await checkouts.find(checkoutId);
      if (now === undefined) return found === undefined ? { status: 202, body } : undefined;
      return decided(now) ?? (now.checkout.status === 'failed' ? { status: 202, body } : undefined);
    },
  });
  if (late.status === 201) return sameRequest(late, accepted);
  throw unanswered(silent[0] ?? found?.waitsFor[0] ?? begin.route, checkoutId);
}

/** Decided meanwhile: to a retry under the same key it is said that it is one. */
function sameRequest(answer: Answer, { headers }: Answer): Answer {
  return { ...answer, headers: { ...headers, ...answer.headers } };
}

/** A checkout that failed, as a problem. */
function failed({ checkout }: FoundCheckout, checkoutId: string): Problem {
  return dependencyUnavailable('checkout', checkout.reason?.detail ?? `the checkout ${checkoutId} was not decided`);
}

function unanswered(dependency: string, checkoutId: string): Problem {
  return dependencyUnavailable(dependency, `${dependency} does not answer; the checkout ${checkoutId} was given up`);
}
