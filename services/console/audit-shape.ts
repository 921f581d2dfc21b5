import { z } from 'zod';
import type { AuditNames } from '#services/audit/sources.ts';
import { currency } from '#services/money.ts';

const time = z.iso.datetime({ offset: true });
const count = z.int().min(0);

/** An audit as the API shows it: what it counts, adds up and finds wrong is what the services say. */
export function auditShape({ amounts, counts, kinds }: AuditNames) {
  const subjects = kinds.map(({ id, name }) => [id, z.string().optional().describe(`Which of the ${name}.`)] as const);
  const counted = counts.map((name) => [name, count.describe(`How many ${name}.`)] as const);
  const added = amounts.map(
    (name) => [name, z.int().describe(`The sum of what is ${said(name)}, minor units.`)] as const,
  );
  const violation = z.looseObject({
    check: z.string().describe('Which invariant.'),
    detail: z.string().describe('One sentence, amounts in minor units.'),
    ...Object.fromEntries(subjects),
    documents: z.array(z.string()).describe('The documents that say so, `collection/id`.'),
    evidence: z.looseObject({}).describe('What they say.'),
  });
  const total = z.looseObject({ currency: currency.describe('ISO 4217.'), ...Object.fromEntries(added) });
  return z.looseObject({
    id: z.string().describe('The id of the audit.'),
    state: z.enum(['running', 'done', 'failed']).describe('How far it is.'),
    startedAt: time.describe('When it began.'),
    endedAt: time.optional().describe('When it ended.'),
    problem: z.string().optional().describe('Why it failed.'),
    limit: count.describe('How many violations are listed at most.'),
    hangingAfterMs: count.describe('How old an order may be that has not ended, ms.'),
    graceMs: count.describe('How long what looked wrong had to become right, ms.'),
    checked: z
      .looseObject({
        ...Object.fromEntries(counted),
        readAgain: count.describe('What looked wrong at first and was read again.'),
      })
      .describe('What was looked at.'),
    violations: count.describe('How many were found.'),
    byCheck: z.record(z.string(), count).describe('How many were found, by invariant.'),
    items: z.array(violation).describe('The violations, as many as `limit` allows.'),
    totals: z.array(total).describe('All wallets, by currency.'),
  });
}

/** `toppedUp` as two words. */
function said(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
