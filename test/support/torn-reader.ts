/** An audit's sources whose pages are of two moments, and which are slow when asked again: all that could mislead it. */
import type { AuditSources } from '#services/audit/reading.ts';
import type { AuditedRow } from '#shared/audit-rule.ts';
import { systemClock } from '#shared/clock.ts';

interface Readable<Row, Keys extends readonly unknown[]> {
  pages(size: number): AsyncIterable<readonly Row[]>;
  of(...keys: Keys): Promise<readonly Row[]>;
}

function slow<Row, Keys extends readonly unknown[]>({ pages, of }: Readable<Row, Keys>): Readable<Row, Keys> {
  return {
    pages,
    async of(...keys) {
      await systemClock.sleep(40 * systemClock.random());
      return of(...keys);
    },
  };
}

async function early<Row>(pages: AsyncIterable<readonly Row[]>): Promise<() => AsyncGenerator<readonly Row[]>> {
  const all: (readonly Row[])[] = [];
  for await (const page of pages) all.push(page);
  return async function* read() {
    yield* all;
  };
}

/** What the participants did is read now, `ms` before the sagas, orders and wallets are. */
export async function torn(sources: AuditSources, ms: number, size: number): Promise<AuditSources> {
  const { accepted, sagas, payments, mails, entries, orders, own, wallets, ledger } = sources;
  const before = {
    payments: await early(payments.pages(size)),
    mails: await early(mails.pages(size)),
    entries: await early(entries.pages(size)),
    ledger: await early(ledger(size)),
  };
  const ownBefore: Record<string, () => AsyncGenerator<readonly AuditedRow[]>> = {};
  for (const [name, { rows }] of Object.entries(own)) ownBefore[name] = await early(rows.pages(size));
  await systemClock.sleep(ms);
  return {
    accepted: slow(accepted),
    sagas: slow(sagas),
    payments: slow({ ...payments, pages: before.payments }),
    own: Object.fromEntries(
      Object.entries(own).map(([name, { rule, rows }]) => {
        const pages = ownBefore[name] ?? ((many: number) => rows.pages(many));
        return [name, { rule, rows: slow({ ...rows, pages }) }];
      }),
    ),
    mails: slow({ ...mails, pages: before.mails }),
    entries: slow({ ...entries, pages: before.entries }),
    orders: slow(orders),
    wallets: slow(wallets),
    ledger: (many, customerId) => (customerId === undefined ? before.ledger() : ledger(many, customerId)),
  };
}
