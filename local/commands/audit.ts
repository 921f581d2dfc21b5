/**
 * `npm run audit`: checks the invariants of everything that the running stack has stored. Ends with 1 when one is violated.
 */
import { type ApiAnswer, type Api, apiOf } from './api.ts';
import { command, numberOf, wholeOf } from './command.ts';
import { apiOptions, commandLine, commandSpec } from './command-line.ts';
import { Trouble } from '#local/stack/trouble.ts';
import { systemClock } from '#shared/clock.ts';

export interface AuditResult {
  readonly id: string;
  readonly state: 'running' | 'done' | 'failed';
  readonly startedAt: string;
  readonly endedAt?: string;
  readonly problem?: string;
  readonly checked: Readonly<Record<string, number>> & { readonly readAgain: number };
  readonly violations: number;
  readonly byCheck: Readonly<Record<string, number>>;
  /** The first of them. */
  readonly items: readonly {
    readonly check: string;
    readonly detail: string;
    readonly orderId?: string;
    readonly customerId?: string;
    readonly documents: readonly string[];
    readonly evidence: object;
  }[];
  readonly totals: readonly (Readonly<Record<'toppedUp' | 'available' | 'held' | 'captured', number>> & {
    readonly currency: string;
  })[];
}

export interface AuditWish {
  /** How many violations are listed. */
  readonly limit?: number;
  /** How old an order may be that has not ended; 0: none may be left. */
  readonly hangingAfterMs?: number;
  readonly graceMs?: number;
}

const spec = commandSpec({
  call: 'npm run audit --',
  does: 'Checks the invariants of everything that the running stack has stored, while it runs.',
  options: {
    json: { type: 'boolean', default: false, means: 'prints the whole result as JSON' },
    limit: { type: 'string', value: 'N', means: 'how many violations are listed' },
    'hanging-after': {
      type: 'string',
      value: 'SECONDS',
      means: 'an order that is older and has not ended is a violation; 0: each is',
    },
    grace: {
      type: 'string',
      value: 'SECONDS',
      means: 'how long what looks wrong may take to become right before it counts',
    },
    ...apiOptions,
  },
  examples: [
    ['', 'whether everything is as it must be'],
    ['--hanging-after 0', 'the same, and no order may be open'],
  ],
  exits: '1: an invariant is violated, or the audit could not be run.',
});
const POLL_MS = 500;

/**
 * Runs an audit from beginning to end, after the one that runs already, if any: what was there when this was called is
 * checked. Throws `Trouble` when it fails or is forgotten, because its service was started again.
 */
export async function auditOver(
  api: Api,
  wish: AuditWish = {},
  onProgress: (result: AuditResult) => void = () => {},
): Promise<AuditResult> {
  for (;;) {
    const { status, body, headers } = await api.post<AuditResult>('/v1/audit', wish);
    if (status === 200 || status === 202) return ended(await whenEnded(body));
    const running = status === 409 ? headers.get('location') : null;
    if (running === null) throw refused(status, body);
    await systemClock.sleep(POLL_MS);
    const other = await api.get<AuditResult>(running);
    if (other.status === 200) await whenEnded(other.body);
  }

  async function whenEnded(result: AuditResult): Promise<AuditResult> {
    let current = result;
    while (current.state === 'running') {
      onProgress(current);
      await systemClock.sleep(POLL_MS);
      const answer = await api.get<AuditResult>(`/v1/audits/${current.id}`);
      if (answer.status === 404) throw new Trouble('The audit is lost: the service that ran it was started again.');
      if (answer.status !== 200) throw refused(answer.status, answer.body);
      current = answer.body;
    }
    return current;
  }
}

function ended(result: AuditResult): AuditResult {
  if (result.state === 'done') return result;
  throw new Trouble(`The audit failed: ${result.problem ?? 'nobody knows why'}`);
}

function refused(status: ApiAnswer<unknown>['status'], body: unknown): Trouble {
  const { detail = 'no reason given' } = (body ?? {}) as { readonly detail?: string };
  return new Trouble(`The gateway answered ${status}: ${detail}`);
}

function counted(counts: Readonly<Record<string, number>>): string {
  const shown = Object.entries(counts).flatMap(([what, count]) => (what === 'readAgain' ? [] : [`${count} ${what}`]));
  return shown.join(', ');
}

/** What was found, for people. */
export function auditReport({ checked, violations, byCheck, items, totals }: AuditResult): string {
  const { readAgain, ...counts } = checked;
  const money = totals.map(
    ({ currency, toppedUp, available, held, captured }) =>
      `${currency}: ${toppedUp} topped up = ${available} available + ${held} held + ${captured} captured`,
  );
  const found = Object.entries(byCheck)
    .filter(([, count]) => count > 0)
    .map(([check, count]) => `${count} ${check}`);
  const listed = items.map(
    ({ check, detail, orderId, customerId, documents, evidence }) =>
      `${check}: ${orderId ?? customerId ?? ''} ${detail}\n    ${documents.join('\n    ')}\n    ${JSON.stringify(evidence)}`,
  );
  const more = violations > items.length ? [`... and ${violations - items.length} more (--limit)`] : [];
  return [
    ...listed,
    ...more,
    `${counted(counts)} checked, ${readAgain} of them twice.`,
    ...money,
    violations === 0 ? 'No violation.' : `${violations} violations: ${found.join(', ')}.`,
  ].join('\n');
}

async function main(values: ReturnType<typeof commandLine<typeof spec.options>>['values']): Promise<void> {
  const wish = {
    ...(values.limit !== undefined && { limit: wholeOf('--limit', values.limit, 0, 1000) }),
    ...(values['hanging-after'] !== undefined && {
      hangingAfterMs: Math.round(1000 * numberOf('--hanging-after', values['hanging-after'], 0, 30 * 86_400)),
    }),
    ...(values.grace !== undefined && { graceMs: Math.round(1000 * numberOf('--grace', values.grace, 0, 60)) }),
  };
  const tell = process.stderr.isTTY && !values.json;
  const result = await auditOver(apiOf(values), wish, ({ checked, violations }) => {
    if (tell) process.stderr.write(`\r${counted(checked)}, ${violations} violations `);
  });
  if (tell) process.stderr.write('\r\u001b[K');
  process.stdout.write(`${values.json ? JSON.stringify(result, null, 2) : auditReport(result)}\n`);
  if (result.violations > 0) process.exitCode = 1;
}

if (import.meta.main) {
  const { values } = commandLine(spec);
  await command(() => main(values));
}
