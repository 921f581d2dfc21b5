import { readFileSync } from 'node:fs';
import test from 'ava';

const page = readFileSync('README.md', 'utf8');
const section = page.slice(page.indexOf('## How an order travels'), page.indexOf('## What it guarantees'));
const path = [...section.matchAll(/^\d+\. \[`([^`]+)`\]\(([^)]+)\), (\d+) lines: /gm)].map(([, name, link, lines]) => ({
  name,
  link: link ?? '',
  lines: Number(lines),
}));

test('the reading path has eight files at most, each below 250 lines', (t) => {
  t.true(path.length >= 6 && path.length <= 8, String(path.length));
  t.is(section.match(/^\d+\. /gm)?.length, path.length, 'each is named with its lines');
  for (const { name, link } of path) {
    t.is(name, link);
    t.true(linesOf(link) <= 250, link);
  }
});

test('the lines that the reading path names are those of the files, give or take a tenth', (t) => {
  for (const { link, lines } of path)
    t.true(Math.abs(linesOf(link) - lines) <= lines / 10, `${link} has ${linesOf(link)} lines, the page says ${lines}`);
});

function linesOf(file: string): number {
  return readFileSync(file, 'utf8').trimEnd().split('\n').length;
}
