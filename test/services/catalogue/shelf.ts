/** One product without an engine: what it answers, and what it asks the stock. */
import * as contract from '#services/catalogue/contract.ts';
import { productEntity, type ProductState } from '#services/catalogue/product.ts';
import { answerTo, runOf } from '#shared/entity/entity.ts';
import { WAKE, type BodyOf, type CommandType, type EventType, type Message } from '#shared/message.ts';

export const sku = 'tea';
export const tea = { sku, name: 'Tea', description: 'Black.', price: { amount: 899, currency: 'EUR' } } as const;

export interface Answered {
  readonly type: string;
  readonly body: Readonly<Record<string, unknown>>;
}

export function shelf(before?: ProductState) {
  const clock = { now: 1_000_000 };
  let state: ProductState | undefined = before;
  let fresh = 0;
  /** Commands to the stock, in order. */
  const asked: Message[] = [];

  async function handle(message: Message): Promise<Answered | undefined> {
    const signal = new AbortController().signal;
    const run = runOf({ route: 'catalogue', message, now: clock.now, attempt: 1, unwritten: [], signal: () => signal });
    const handler = productEntity.handlers.find(({ type }) => type.name === message.type);
    const result =
      message.type === WAKE
        ? await productEntity.wake!(state, undefined, run.context)
        : await handler!.handle(state, handler!.type.body.parse(message.body), run.context);
    const sent = (result.send ?? []).filter((send) => send !== undefined);
    asked.push(...sent.map((send) => send.message).filter(({ type }) => type.startsWith('stock.')));
    state = structuredClone(result.state);
    return run.answered() as Answered | undefined;
  }

  async function tell<Body>(type: CommandType<Body>, body: NoInfer<Body>, id = `m${(fresh += 1)}`): Promise<Answered> {
    const message = { id, type: type.name, key: sku, body, correlationId: id, replyTo: { route: 'test', key: sku } };
    return (await handle(message))!;
  }

  return {
    clock,
    tell,
    asked,
    get state() {
      return state;
    },
    get dueAt() {
      return state && productEntity.dueAt!(state);
    },
    create: (changes: Partial<BodyOf<typeof contract.create>> = {}, id?: string) =>
      tell(contract.create, { ...tea, ...changes }, id),
    update: (changes: Partial<BodyOf<typeof contract.update>>, id?: string) =>
      tell(contract.update, { sku, name: 'Tea', price: tea.price, ...changes }, id),
    remove: (version?: number, id?: string) =>
      tell(contract.remove, { sku, ...(version !== undefined && { version }) }, id),
    /** The stock answers a question, by default the last one. */
    async hear<Body>(type: EventType<Body>, body: NoInfer<Body>, question = asked.at(-1)!): Promise<void> {
      await handle(answerTo(question, { type: type.name, body })!.message);
    },
    async wake(): Promise<void> {
      await handle({ id: `w${(fresh += 1)}`, type: WAKE, key: sku, body: undefined, correlationId: 'w' });
    },
  };
}
