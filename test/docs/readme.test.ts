import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import test from 'ava';
import { demoCatalogue } from '#local/stack/demo-catalogue.ts';
import { startStack } from '#test/support/stack.ts';

const readme = readFileSync('README.md', 'utf8');

/** The shell blocks that call curl, as one script; the exports that read the local stack's file are given instead. */
function examples(): string {
  const pages = [readme, ...['docs/checkout.md', 'docs/baskets.md'].map((page) => readFileSync(page, 'utf8'))];
  const blocks = pages.flatMap((page) => [...page.matchAll(/```sh\n(.*?)```/gs)].map((match) => match[1] ?? ''));
  return blocks.filter((block) => block.includes('curl')).join('\n');
}

test('the curl examples work as they stand', async (t) => {
  await using stack = await startStack({ env: { FAULTS: 'on' }, goods: demoCatalogue });
  const script = examples();
  t.true(script.split('curl -sf').length > 25, 'the examples were found');
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], {
    env: { ...process.env, API: stack.apiUrl, TOKEN: stack.operatorToken },
  });
  t.regex(stdout, /"customerId":"erin"/);
  t.regex(stdout, /"status":"(pending|paid|completed)"/);
});

test('every file that is linked exists', (t) => {
  const links = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map((match) => match[1] ?? '');
  t.true(links.length > 10);
  for (const link of links) t.true(existsSync(link), link);
});
