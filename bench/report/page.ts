import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { aimsTable } from './aims.ts';
import { basketsTable, slowTable } from './baskets-table.ts';
import { checkoutsTable } from './checkouts-table.ts';
import { loopTable, peersTable, variantsTable } from './loop-tables.ts';
import { gateTable, lightTable, workersTable } from './other-tables.ts';
import { stockTable } from './stock-table.ts';
import { strategiesTable } from './strategies-table.ts';
import { isBusy, type Results } from '#bench/results.ts';
import { committedResults } from '#bench/results-file.ts';
import { projectDir } from '#local/stack/own-process.ts';
import { Trouble } from '#local/stack/trouble.ts';

const PAGE = 'docs/performance.md';

/** Every part of the page that is made of figures, by its name. */
export function blocksOf(results: Results): Readonly<Record<string, string>> {
  const { messages, deliveries, steps } = results.saga;
  return {
    machine: machineText(results),
    saga: `A happy order is **${messages} messages** here and ${deliveries} deliveries, since some go to two; ${steps} of the messages are steps that somebody has to carry out, the others tell the saga what happened.`,
    aims: aimsTable(results),
    light: lightTable(results, 'light'),
    processes: lightTable(results, 'processes'),
    loop: loopTable(results),
    peers: peersTable(results),
    growth: variantsTable(results, 'growth'),
    variants: variantsTable(results, 'partitions', 'hot', 'metrics'),
    stock: stockTable(results),
    checkouts: checkoutsTable(results),
    baskets: basketsTable(results),
    slowlines: slowTable(results),
    strategies: strategiesTable(results),
    gate: gateTable(results),
    workers: workersTable(results),
  };
}

function machineText({ machine, versions, arms }: Results): string {
  const all = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const busy = arms.filter(isBusy).length;
  const note =
    busy === 0
      ? ''
      : ` ${busy} of ${arms.length} arms were measured while others used the machine, too: they are marked (busy), and only their ratios say something.`;
  return `Taken on ${daysOf(arms).join(', ')}: ${machine.cores} cores (${machine.cpu}), ${machine.memoryGb} GB; ${all.join(', ')}.${note}`;
}

/** The days on which they were measured, with the arms of each but the first. */
function daysOf(arms: Results['arms']): readonly string[] {
  const days = Map.groupBy(arms, ({ takenAt }) => takenAt.slice(0, 10));
  return [...days]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([day, of], at) => (at === 0 ? day : `${day} (${of.map(({ title }) => title).join('; ')})`));
}

/** The page with the text between `<!-- figures: name -->` and `<!-- end -->` replaced. @throws {Trouble} for a name that there is not */
export function withBlocks(page: string, blocks: Readonly<Record<string, string>>): string {
  return page.replaceAll(
    /(<!-- figures: ([a-z]+) -->\n).*?(<!-- end -->)/gs,
    (_all, begin: string, name: string, end: string) => {
      const block = blocks[name];
      if (block === undefined)
        throw new Trouble(`${PAGE} asks for figures named ${name}; there are ${Object.keys(blocks).join(', ')}`);
      return `${begin}\n${block}\n\n${end}`;
    },
  );
}

/** Writes docs/performance.md from the newest committed results. Gives its path. */
export function writePage(): string {
  const committed = committedResults();
  if (committed === undefined) throw new Trouble('there are no results in bench/results yet: npm run bench -- --final');
  const file = join(projectDir, PAGE);
  writeFileSync(file, withBlocks(readFileSync(file, 'utf8'), blocksOf(committed)));
  return PAGE;
}
