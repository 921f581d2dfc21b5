import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { asText } from '#bench/results-file.ts';
import type { Results } from '#bench/results.ts';
import { projectDir } from '#local/stack/own-process.ts';

test('figures are written as the formatter wants them, and nothing of them is lost', (t) => {
  const files = globSync(join(projectDir, 'bench/results/????-??-??.json'));
  t.true(files.length > 0);
  for (const file of files) {
    const text = readFileSync(file, 'utf8');
    t.is(asText(JSON.parse(text) as Results), text);
  }
});
