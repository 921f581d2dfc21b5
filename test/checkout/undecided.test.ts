/** What a client is told of a checkout that is not decided in time: a problem that says that nothing is left of it is told only when that is certain. */
import test from 'ava';
import { slowing } from '#services/circuit-breaker/contract.ts';
import { silentRoutes } from '#services/checkout/contract.ts';
import { undecided } from '#services/checkout/undecided.ts';
import type { CheckoutView } from '#services/checkout/shapes.ts';
import type { FoundCheckout } from '#services/checkout/view.ts';
import type { Submission } from '#shared/web/door.ts';
import type { Answer } from '#shared/web/endpoint.ts';
import type { LookUp } from '#shared/web/lookup.ts';
import { breakerOpen, dependencyUnavailable, Problem } from '#shared/web/problems.ts';

const call = {
  caller: { subject: 'erin', role: 'customer' as const, isOperator: false },
  trace: { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, traceId: 'a'.repeat(32) },
};
const pending: CheckoutView = { checkoutId: 'c1', status: 'pending', suggestions: [] };
const approved: CheckoutView = { checkoutId: 'c1', status: 'approved', orderId: 'c1', suggestions: [] };
const failed: CheckoutView = { checkoutId: 'c1', status: 'failed', suggestions: [] };
const taken: Answer = { status: 202, headers: { Location: '/v1/checkouts/c1' }, body: pending };

const stored = (checkout: CheckoutView, waitsFor: readonly string[] = []): FoundCheckout => ({
  customerId: 'erin',
  checkout,
  events: [],
  waitsFor,
});

interface Standing {
  /** What each read of it finds, the last one for ever; an error: it can not be read. */
  readonly reads: readonly (FoundCheckout | Error | undefined)[];
  readonly silent?: readonly string[];
  readonly isHalfOpen?: boolean;
  /** In the place of a submission that looks once whether it was answered. */
  readonly submit?: (submission: Submission) => Promise<Answer>;
}

/** Asks once, and how often it was tried to give the checkout up. */
async function told({ reads, silent = [], isHalfOpen = false, submit = lookingOnce }: Standing, accepted = taken) {
  let tries = 0;
  let read = 0;
  const lookUp = (async ({ name }, key) => {
    if (name === silentRoutes.name) return (key as readonly string[]).filter((route) => silent.includes(route));
    if (name === slowing.name) return { isHalfOpen, delayMs: 2000 };
    throw new Error(name);
  }) as LookUp;
  const door = {
    lookUp,
    submit(submission: Submission) {
      tries += 1;
      return submit(submission);
    },
  };
  const checkouts = {
    async find() {
      const found = reads[Math.min(read++, reads.length - 1)];
      if (found instanceof Error) throw found;
      return found;
    },
  };
  try {
    return { answer: await undecided(accepted, call, door, checkouts), tries };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { problem: error, tries };
  }
}

async function lookingOnce({ compose, outcome }: Submission): Promise<Answer> {
  const made = await compose();
  return (await outcome!({ kind: 'checkout-abandon', ...made })) ?? made.accepted;
}

test('a retry that finds the checkout decided, which the first request did not, is told so and that it is a retry', async (t) => {
  const first = await told({ reads: [stored(approved)] });
  t.deepEqual(first.answer, { status: 201, headers: { Location: '/v1/checkouts/c1' }, body: approved });
  const replayed = { ...taken, headers: { ...taken.headers, 'Idempotency-Replayed': 'true' } };
  const again = await told({ reads: [stored(approved)] }, replayed);
  t.deepEqual(again.answer, {
    ...first.answer!,
    headers: { ...first.answer!.headers, 'Idempotency-Replayed': 'true' },
  });
  t.is(first.tries + again.tries, 0, 'it is decided: it is not given up');
});

test('while those who must answer are at work it is 202', async (t) => {
  t.deepEqual(await told({ reads: [stored(pending, ['fraud'])], silent: ['verification'] }), {
    answer: taken,
    tries: 0,
  });
});

test('what a half-open gate delays is not given up: 202', async (t) => {
  t.deepEqual(await told({ reads: [undefined], isHalfOpen: true }), { answer: taken, tries: 0 });
  const { tries } = await told({ reads: [undefined], isHalfOpen: true, silent: ['checkout'] });
  t.is(tries, 1, 'unless nobody takes it afterwards');
});

test('given up and seen to be: 503, which names who does not answer', async (t) => {
  const { problem } = await told({ reads: [stored(pending, ['fraud']), stored(failed)], silent: ['fraud'] });
  t.like(problem, { status: 503, slug: 'dependency-unavailable', members: { dependency: 'fraud', checkoutId: 'c1' } });
});

test('given up before: 503 again, which names the checkout of which nothing is left', async (t) => {
  const { problem, tries } = await told({ reads: [stored(failed)] });
  t.like(problem, { status: 503, slug: 'dependency-unavailable', members: { checkoutId: 'c1' } });
  t.is(tries, 0);
});

test('decided while it was being given up: 201', async (t) => {
  const { answer } = await told({ reads: [stored(pending, ['fraud']), stored(approved)], silent: ['fraud'] });
  t.like(answer, { status: 201, body: approved });
});

const away = async () => {
  throw new Error('not to be reached');
};
const UNCERTAIN: Readonly<Record<string, Standing>> = {
  'it can not be read whether it was decided': { reads: [new Error('no database')], submit: away },
  'the broker is away when it is to be given up': {
    reads: [stored(pending, ['fraud'])],
    silent: ['fraud'],
    submit: () => Promise.reject(dependencyUnavailable('broker', 'the broker is not available')),
  },
  'the gate of the checkouts is open by then': {
    reads: [stored(pending, ['fraud'])],
    silent: ['fraud'],
    submit: () => Promise.reject(breakerOpen({ route: 'checkout', retryAfterMs: 15_000 })),
  },
  'nobody confirms that it is given up': { reads: [stored(pending, ['fraud'])], silent: ['fraud'] },
  'it was not begun, and nobody confirms that it never will be': { reads: [undefined], silent: ['checkout'] },
};
for (const [what, standing] of Object.entries(UNCERTAIN))
  test(`${what}: it may still be bought, and the answer is 504, with where to look`, async (t) => {
    const { problem } = await told(standing);
    t.like(problem, { status: 504, slug: 'outcome-unknown', members: { checkoutId: 'c1' } });
    t.is(problem!.headers['Location'], '/v1/checkouts/c1');
    t.truthy(problem!.headers['Retry-After']);
  });
