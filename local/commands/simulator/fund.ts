import { forEach, settled } from './asking.ts';
import type { Customer } from './plan.ts';
import type { Api } from '#local/commands/api.ts';
import { Trouble } from '#local/stack/trouble.ts';
import type { Clock } from '#shared/clock.ts';

interface TopUp {
  readonly state?: 'pending' | 'done' | 'refused';
}

/** Gives every customer the money of the plan, once; resolves when it is in their wallets. @throws {Trouble} */
export async function fund(
  { api, clock, run }: { readonly api: Pick<Api, 'get' | 'post'>; readonly clock: Clock; readonly run: string },
  customers: readonly Customer[],
): Promise<void> {
  await forEach(customers, async ({ id, fundsMinor }) => {
    const what = `the wallet of ${id} could not be filled`;
    const wallet = `/v1/wallets/${encodeURIComponent(id)}/top-ups`;
    const body = { amount: fundsMinor, currency: 'EUR' };
    const ask = () => api.post<TopUp>(wallet, body, { 'idempotency-key': `${run}-fund-${id}` });
    const asked = await settled(what, clock, ask);
    if (asked.status === 201) return;
    const where = asked.headers.get('location');
    const { body: topUp } =
      asked.status === 202 && where !== null
        ? await settled(
            what,
            clock,
            () => api.get<TopUp>(where),
            (answer) => answer.status === 200 && answer.body.state !== 'pending',
          )
        : asked;
    if (topUp.state !== 'done') throw new Trouble(`${what}: ${asked.status} ${JSON.stringify(topUp)}`);
  });
}
