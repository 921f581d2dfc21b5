/** Hands for end-to-end tests of checkouts: what a client asks, and what a stack stores. */
import { checkoutBody } from '#test/support/checkouts.ts';
import { openDocuments } from '#test/support/documents.ts';
import type { TestStack } from '#test/support/stack.ts';
import { tail, until } from '#test/support/until.ts';
import type { CheckoutView } from '#services/checkout/shapes.ts';
import { participants } from '#services/checkout-flow.ts';

export interface Asked<Body> {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Body;
  readonly tookMs: number;
}

const COLLECTIONS = { verification: 'verifications', fraud: 'fraud_checks', suggestions: 'suggestions' } as const;

export async function checkoutStage(stack: TestStack, customer = 'alice') {
  const authorization = `Bearer ${await stack.tokenOf(customer)}`;
  const show = (): string => tail(stack.logs(), 'warn');

  async function ask<Body>(path: string, body?: object, more: Readonly<Record<string, string>> = {}) {
    const startedAt = performance.now();
    const response = await fetch(`${stack.apiUrl}${path}`, {
      method: body ? 'POST' : 'GET',
      headers: { authorization, 'content-type': 'application/json', ...more },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    const { status, headers } = response;
    const answer = {
      status,
      headers,
      text,
      body: isJson ? JSON.parse(text) : text,
      tookMs: performance.now() - startedAt,
    };
    return answer as Asked<Body>;
  }

  const self = {
    ask,
    /** On a machine that is busy it may be 202 first. */
    async checkOut(changes: object = {}, more: Readonly<Record<string, string>> = {}): Promise<Asked<CheckoutView>> {
      const form = checkoutBody({ customerId: customer, ...changes });
      const first = await ask<CheckoutView>('/v1/checkouts', form, more);
      if (first.status !== 201 && first.status !== 202) throw new Error(`${first.status} ${first.text}\n${show()}`);
      return self.decided(first.body.checkoutId);
    },
    decided: (checkoutId: string): Promise<Asked<CheckoutView>> =>
      until(
        'it is decided',
        () => ask<CheckoutView>(`/v1/checkouts/${checkoutId}`),
        // A door that is asked too often says so, which decides nothing.
        ({ status, body }) => status === 200 && body.status !== 'pending',
        { show },
      ),
    /** Everything that is stored, by collection. */
    async stored(): Promise<Readonly<Record<string, readonly object[]>>> {
      await using documents = await openDocuments(stack);
      const collections = (await documents.db.db?.listCollections().toArray()) ?? [];
      const all = collections.map(
        async ({ name }) => [name, await documents.db.collection(name).find().toArray()] as const,
      );
      return Object.fromEntries(await Promise.all(all));
    },
    /** Resolves when every checkout has ended and each service has cleared what it kept; gives what is stored then. */
    cleared: () =>
      until(
        'everybody has cleared',
        self.stored,
        (found) =>
          participants.every((name) =>
            (found[COLLECTIONS[name]] ?? []).every((one) => JSON.stringify(one).includes('"status":"cleared"')),
          ) && (found['checkouts'] ?? []).every((one) => !/"phase":"(running|undoing)"/.test(JSON.stringify(one))),
        { show },
      ),
  };
  return self;
}
