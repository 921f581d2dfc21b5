import type { Finding } from './facts.ts';
import type { AuditedWallet } from '#services/wallet/view.ts';

export type LedgerEntry = AuditedWallet['riding'][number];

/** A wallet's entries being added up, one by one, so that there may be any number of them. */
export interface WalletTally {
  /** From the collection, newest first. Those that were written after the wallet was read do not count. */
  add(entry: LedgerEntry): void;
  /** What is wrong, once all were added. */
  end(): readonly Finding[];
  /** How many counted. */
  readonly count: number;
  /** The sum of the top-ups, minor units. */
  readonly toppedUp: number;
}

/** `undefined`: there are entries and no wallet. */
export function tallyOf(wallet: AuditedWallet | undefined): WalletTally {
  const sums = { 'top-up': 0, hold: 0, release: 0, capture: 0, refund: 0 };
  const riding = new Map(wallet?.riding.map((entry) => [entry.seq, entry]));
  const odd: string[] = [];
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

  return {
    add(entry) {
      if (wallet !== undefined && entry.seq > wallet.entries) return;
      if (riding.get(entry.seq)?.id === entry.id) riding.delete(entry.seq);
      take(entry);
    },
    end() {
      for (const entry of riding.values()) take(entry);
      riding.clear();
      if (wallet === undefined) return [{ check: 'ledger', detail: `${count} entries and no wallet` }];
      const balances = {
        available: sums['top-up'] - sums.hold + sums.release + sums.refund,
        held: sums.hold - sums.release - sums.capture,
        captured: sums.capture - sums.refund,
      };
      const wrong: Finding[] = odd.map((detail) => ({ check: 'ledger', detail }));
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
    get count() {
      return count;
    },
    get toppedUp() {
      return sums['top-up'];
    },
  };
}
