import type { AuditedWallet, LedgerRow } from './audited.ts';
import { entriesCollection, walletsCollection } from './model.ts';
import type { AuditFinding, AuditTally } from '#shared/audit-rule.ts';

type LedgerEntry = AuditedWallet['riding'][number];

/**
 * A wallet's entries being added up, one by one, so that there may be any number of them. Those of the collection come after the
 * wallet; what was written after the wallet was read does not count.
 */
export function walletTally(): AuditTally<LedgerRow> {
  const sums = { 'top-up': 0, hold: 0, release: 0, capture: 0, refund: 0 };
  const riding = new Map<number, LedgerEntry>();
  const odd: string[] = [];
  let wallet: AuditedWallet | undefined;
  let owner = '';
  let previous: number | undefined;
  let count = 0;

  function take(entry: LedgerEntry): void {
    const { kind, amount, currency, seq } = entry;
    const id = entry.entryId ?? entry.id;
    count += 1;
    sums[kind] += amount;
    const least = kind === 'top-up' ? 1 : 0;
    if (!(Number.isInteger(amount) && amount >= least)) note(`entry ${id} is over ${amount}`);
    if (amount !== 0 && currency !== wallet?.currency) note(`entry ${id} is in ${currency}`);
    if (seq === previous) note(`entry ${id} has the number ${seq} of another`);
    previous = seq;
  }

  function note(what: string): void {
    if (odd.length < 10) odd.push(what);
  }

  function addEntry(entry: LedgerEntry): void {
    if (wallet !== undefined && entry.seq > wallet.entries) return;
    if (riding.get(entry.seq)?.id === entry.id) riding.delete(entry.seq);
    take(entry);
  }

  return {
    add(row) {
      owner = row.customerId;
      if (row.entry !== undefined) return addEntry(row.entry);
      wallet = row.wallet;
      for (const entry of wallet.riding) riding.set(entry.seq, entry);
    },
    check() {
      for (const entry of riding.values()) take(entry);
      riding.clear();
      if (wallet === undefined) return [{ check: 'ledger', detail: `${count} entries and no wallet` }];
      const balances = {
        available: sums['top-up'] - sums.hold + sums.release + sums.refund,
        held: sums.hold - sums.release - sums.capture,
        captured: sums.capture - sums.refund,
      };
      const wrong: AuditFinding[] = odd.map((detail) => ({ check: 'ledger', detail }));
      if (count !== wallet.entries)
        wrong.push({ check: 'ledger', detail: `${count} entries, numbered to ${wallet.entries}` });
      for (const name of ['available', 'held', 'captured'] as const) {
        const [is, sum] = [wallet[name], balances[name]];
        if (is !== sum) wrong.push({ check: 'ledger', detail: `${is} ${name}, by its entries ${sum}` });
        if (is < 0) wrong.push({ check: 'negative', detail: `${is} ${name}` });
      }
      if (wallet.open !== wallet.held)
        wrong.push({ check: 'held', detail: `${wallet.held} held, its open holds are over ${wallet.open}` });
      return wrong;
    },
    documents() {
      const written = wallet?.riding.map((entry) => `${walletsCollection}/${owner}#${entry.entryId ?? entry.id}`) ?? [];
      const entries = `${entriesCollection}?customerId=${encodeURIComponent(owner)}`;
      return [...(wallet ? [`${walletsCollection}/${owner}`] : []), ...written, entries];
    },
    evidence() {
      const { riding: _, customerId: __, ...balances } = wallet ?? { riding: [], customerId: owner };
      return balances;
    },
    sums() {
      const counts = { entries: count };
      if (wallet?.currency === undefined) return { counts };
      const { currency, available, held, captured } = wallet;
      return { counts, money: { currency, amounts: { toppedUp: sums['top-up'], available, held, captured } } };
    },
  };
}
