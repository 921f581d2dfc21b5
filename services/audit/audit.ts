import { documentsOf, type Finding, type OrderFacts, type OwnRules } from './facts.ts';
import { checkOrder, type At } from './order-checks.ts';
import { everyOrder, factsAgain, type AuditSources } from './reading.ts';
import type { Findings } from './report.ts';
import { openRows } from './side-by-side.ts';
import { tallyOf, type WalletTally } from './wallet-checks.ts';
import type { AuditedWallet } from '#services/wallet/view.ts';
import type { Clock } from '#shared/clock.ts';
import { compareKeys } from '#shared/database/pages.ts';

export interface AuditOptions {
  /** How old an order may be that has not ended. */
  readonly hangingAfterMs: number;
  /** How long what looks wrong may take to become right before it is looked at again. */
  readonly graceMs: number;
}

export interface AuditParts {
  readonly sources: AuditSources;
  readonly clock: Clock;
  /** More evidence about an order that hangs. */
  about?(orderId: string): Promise<object>;
  readonly pageSize?: number;
}

/** How many orders are looked at again together; what looks wrong is remembered up to here. */
const TOGETHER = 200;

/**
 * Reads everything once, in pages, in memory that does not grow with it, and writes nothing. What looks wrong is read
 * again after the grace, twice: it is a violation if it is still wrong both times. Rejects when `signal` is aborted.
 */
export async function audit(
  { sources, clock, about, pageSize = 500 }: AuditParts,
  { hangingAfterMs, graceMs }: AuditOptions,
  findings: Findings,
  signal: AbortSignal,
): Promise<void> {
  const rules: OwnRules = Object.fromEntries(Object.entries(sources.own).map(([name, { rule }]) => [name, rule]));
  await auditOrders();
  await auditWallets();

  async function auditOrders(): Promise<void> {
    let suspects: OrderFacts[] = [];
    for await (const facts of everyOrder(sources, pageSize)) {
      signal.throwIfAborted();
      findings.count({ orders: 1 });
      if (wrongIn(facts).length > 0) suspects.push(facts);
      if (suspects.length < TOGETHER) continue;
      await settleOrders(suspects);
      suspects = [];
    }
    if (suspects.length > 0) await settleOrders(suspects);
  }

  async function settleOrders(suspects: readonly OrderFacts[]): Promise<void> {
    if (!suspects.every(isAtRest)) await clock.sleep(graceMs, signal);
    const second = (await factsAgain(sources, suspects)).filter((facts) => wrongIn(facts).length > 0);
    findings.count({ readAgain: suspects.length });
    if (second.length === 0) return;
    const before = new Map(second.map((facts) => [facts.orderId, new Set(wrongIn(facts).map(({ check }) => check))]));
    for (const facts of await factsAgain(sources, second)) {
      const wrong = wrongIn(facts).filter(({ check }) => before.get(facts.orderId)?.has(check));
      const hangs = wrong.some(({ check }) => check === 'hanging') && !findings.isFull;
      findings.ofOrder(facts, documentsOf(facts, rules), wrong, hangs ? ((await about?.(facts.orderId)) ?? {}) : {});
    }
  }

  function wrongIn(facts: OrderFacts): readonly Finding[] {
    const at: At = { now: clock.now(), hangingAfterMs };
    return checkOrder(facts, at, rules);
  }

  /** Nothing of it can be on its way any more. */
  function isAtRest({ saga, order }: OrderFacts): boolean {
    const since = Math.max(saga?.endedAt ?? Infinity, order?.placed?.updatedAt ?? Infinity);
    return clock.now() - since > graceMs;
  }

  async function auditWallets(): Promise<void> {
    const wallets = await openRows(sources.wallets.pages(pageSize));
    const entries = await openRows(sources.ledger(pageSize));
    const suspects: string[] = [];
    try {
      while (wallets.head !== undefined || entries.head !== undefined) {
        signal.throwIfAborted();
        const owner = entries.head?.customerId;
        const next = wallets.head?.customerId;
        const customerId = owner === undefined || (next !== undefined && compareKeys(next, owner) < 0) ? next! : owner;
        const wallet = next === customerId ? wallets.head : undefined;
        const tally = tallyOf(wallet);
        for (let { head } = entries; head?.customerId === customerId; { head } = entries) {
          tally.add(head);
          await entries.next();
        }
        if (wallet !== undefined) await wallets.next();
        if (tally.end().length > 0) suspects.push(customerId);
        else counted(wallet, tally);
        if (suspects.length >= TOGETHER) await settleWallets(suspects.splice(0));
      }
    } finally {
      await wallets.close();
      await entries.close();
    }
    if (suspects.length > 0) await settleWallets(suspects);
  }

  async function settleWallets(suspects: readonly string[]): Promise<void> {
    await clock.sleep(graceMs, signal);
    for (const customerId of new Set(suspects)) {
      findings.count({ readAgain: 1 });
      let looked = await walletAgain(customerId);
      if (looked.wrong.length > 0) looked = await walletAgain(customerId);
      counted(looked.wallet, looked.tally);
      findings.ofWallet(customerId, looked.wallet, looked.wrong);
    }
  }

  /** The wallet first: an entry leaves it only after it has reached the collection. */
  async function walletAgain(customerId: string) {
    const [wallet] = await sources.wallets.of([customerId]);
    const tally = tallyOf(wallet);
    for await (const page of sources.ledger(pageSize, customerId)) {
      signal.throwIfAborted();
      for (const entry of page) tally.add(entry);
    }
    return { wallet, tally, wrong: tally.end() };
  }

  function counted(wallet: AuditedWallet | undefined, { count, toppedUp }: WalletTally): void {
    findings.count({ wallets: wallet === undefined ? 0 : 1, entries: count });
    if (wallet !== undefined) findings.money(wallet, toppedUp);
  }
}
