import { spawn } from 'node:child_process';
import { join } from 'node:path';
import test from 'ava';
import { audit } from '#services/audit/audit.ts';
import { createFindings } from '#services/audit/report.ts';
import { auditNames, auditSources } from '#services/audit/sources.ts';
import { services } from '#services/services.ts';
import { systemClock } from '#shared/clock.ts';
import { torn } from '#test/support/torn-reader.ts';
import { auditOver } from '#local/commands/audit.ts';
import { projectDir } from '#local/stack/own-process.ts';
import { openDocuments } from '#test/support/documents.ts';
import { createShop } from '#test/support/place.ts';
import { SHORT_TIMES, startStack, type TestStack } from '#test/support/stack.ts';
import { createTraffic } from '#test/support/traffic.ts';
import { tail, until } from '#test/support/until.ts';

const victims = ['wallet', 'payment', 'order', 'saga', 'notify'];
let stack: TestStack;

test.before(async () => {
  stack = await startStack({ apart: victims, env: { ...SHORT_TIMES, RESEND_BASE_MS: '1000' } });
});
test.after.always(async () => stack?.stop());

/** `npm run audit` with these arguments. */
async function run(...args: readonly string[]) {
  const where = ['--api', stack.apiUrl, '--token', stack.operatorToken];
  const child = spawn(
    process.execPath,
    [join(projectDir, 'local/launch.mjs'), join('local', 'commands', 'audit.ts'), ...where, ...args],
    { cwd: projectDir, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let [out, err] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (err += data.toString()));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  return { code, out, err };
}

test.serial(
  'no false alarm while orders of all kinds run and services are killed, nor when all have ended',
  async (t) => {
    const shop = createShop(stack);
    const traffic = createTraffic(shop, stack);
    let over = false;
    const load = traffic.stream(120, 15).finally(() => (over = true));
    load.catch(() => {}); // awaited below
    let [audits, checked, again] = [0, 0, 0];
    await using documents = await openDocuments(stack);
    const sources = auditSources(documents.db, services);
    const { signal } = new AbortController();
    const reading = (async () => {
      while (!over) {
        const findings = createFindings(10, auditNames(services));
        const options = { hangingAfterMs: 180_000, graceMs: 100 };
        const parts = { sources: await torn(sources, 300, 20), clock: systemClock, pageSize: 20 };
        await audit(parts, options, findings, signal);
        const report = findings.report();
        t.deepEqual(report.items, []);
        again += report.checked.readAgain;
      }
    })();
    reading.catch(() => {}); // awaited below
    const left = [...victims];
    while (!over) {
      const result = await auditOver(stack.api, { graceMs: 300 });
      t.deepEqual(result.items, []);
      audits += 1;
      checked += result.checked['orders'] ?? 0;
      const victim = left.pop();
      if (victim !== undefined) stack.kill(victim);
    }
    await load;
    await reading;
    await traffic.allEnded(120_000);
    const atRest = await auditOver(stack.api, { graceMs: 300, hangingAfterMs: 0 });
    t.deepEqual(atRest.items, []);
    t.true((atRest.checked['orders'] ?? 0) >= traffic.accepted.size);
    t.true(audits >= 3);
    const [eur] = atRest.totals.filter(({ currency }) => currency === 'EUR');
    t.is(eur?.held, 0);
    const paidIn = Object.values(traffic.paidIn).reduce((sum, amount) => sum + amount, 0);
    t.is(
      atRest.totals.reduce((sum, { toppedUp }) => sum + toppedUp, 0),
      paidIn,
    );
    t.true(again > 0, 'the torn reader saw what it had to look at again');
    t.log(
      `${audits} audits during ${traffic.accepted.size} orders, ${checked} checked; a torn one read ${again} again`,
    );
  },
);

test.serial('`npm run audit` ends with 0, and with 1 as soon as a document is damaged', async (t) => {
  const shop = createShop(stack);
  await shop.topUp('audited', 5000);
  const orderId = await shop.place({ customerId: 'audited' });
  await shop.ended(orderId);
  const sound = await run('--hanging-after', '0', '--grace', '0.2');
  t.is(sound.code, 0, sound.err + sound.out);
  t.regex(sound.out, /No violation\.\n$/);

  await using documents = await openDocuments(stack);
  const deliveries = documents.db.collection<{ _id: string }>('deliveries');
  const delivery = await deliveries.findOneAndDelete({ _id: orderId });
  const damaged = await run('--json', '--grace', '0.2');
  t.is(damaged.code, 1, damaged.err);
  const { violations, items } = JSON.parse(damaged.out) as { violations: number; items: readonly object[] };
  t.is(violations, 1, damaged.out);
  t.like(items[0], { check: 'completed', orderId, detail: 'its delivery is absent' });
  const metrics = await (await fetch(`${stack.urls['audit']}/metrics`)).text();
  t.regex(metrics, /^switchyard_audit_violations\{.*check="completed".*\} 1$/m);
  await deliveries.insertOne(delivery!);
  t.is((await run('--grace', '0.2')).code, 0);
});

test.serial('an order whose first message nobody could handle is listed, with its dead letter', async (t) => {
  const shop = createShop(stack);
  await shop.fault('order', { crashAt: ['order.place'] });
  const orderId = await shop.place({ customerId: 'audited' });
  await until(
    'its message is a dead letter',
    () => shop.read<{ items: readonly object[] }>(`/v1/dead-letters?orderId=${orderId}`),
    ({ items }) => items.length > 0,
    { limitMs: 60_000, show: () => tail(stack.logs(), orderId) },
  );
  const { items, violations } = await auditOver(stack.api, { hangingAfterMs: 0, graceMs: 200 });
  t.is(violations, 1, JSON.stringify(items));
  t.like(items[0], { check: 'hanging', orderId });
  const [letter] = (items[0]!.evidence as { readonly deadLetters: readonly object[] }).deadLetters;
  t.like(letter, { route: 'order', state: 'dead' });
  await shop.fault('order', {});
});
