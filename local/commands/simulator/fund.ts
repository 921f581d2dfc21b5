import type { Customer } from './plan.ts';
import { waitMs } from './send.ts';
import type { ApiAnswer, Api } from '#local/commands/api.ts';
import { Trouble } from '#local/stack/trouble.ts';
import type { Clock } from '#shared/clock.ts';

interface TopUp {
  readonly state?: 'pending' | 'done' | 'refused';
}

const AT_ONCE = 8;
const LIMIT_MS = 60_000;

/** Gives every customer the money of the plan, once; resolves when it is in their wallets. @throws {Trouble} */
export async function fund(
  { api, clock, run }: { readonly api: Pick<Api, 'get' | 'post'>; readonly clock: Clock; readonly run: string },
  customers: readonly Customer[],
): Promise<void> {
  const giveUpAt = clock.now() + LIMIT_MS;
  const left = customers.values();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const customer of left) await fundOne(customer);
    }),
  );

  async function fundOne({ id, fundsMinor }: Customer): Promise<void> {
    const wallet = `/v1/wallets/${encodeURIComponent(id)}/top-ups`;
    const body = { amount: fundsMinor, currency: 'EUR' };
    const ask = () => api.post<TopUp>(wallet, body, { 'idempotency-key': `${run}-fund-${id}` });
    const asked = await settled(id, ask, ({ status }) => status < 400 || ![409, 429, 503, 504].includes(status));
    if (asked.status === 201) return;
    const where = asked.headers.get('location');
    const { body: topUp } =
      asked.status === 202 && where !== null
        ? await settled(
            id,
            () => api.get<TopUp>(where),
            (answer) => answer.status === 200 && answer.body.state !== 'pending',
          )
        : asked;
    if (topUp.state !== 'done')
      throw new Trouble(`the wallet of ${id} could not be filled: ${asked.status} ${JSON.stringify(topUp)}`);
  }

  async function settled(
    id: string,
    ask: () => Promise<ApiAnswer<TopUp>>,
    isSettled: (answer: ApiAnswer<TopUp>) => boolean,
  ): Promise<ApiAnswer<TopUp>> {
    for (;;) {
      const answer = await ask().catch(() => undefined);
      if (answer !== undefined && isSettled(answer)) return answer;
      if (clock.now() > giveUpAt)
        throw new Trouble(`the wallet of ${id} could not be filled: ${answer?.status ?? 'the API does not answer'}`);
      await clock.sleep(waitMs(answer));
    }
  }
}
