import { parseArgs } from 'node:util';
import type { Arm, Settings } from './arm.ts';
import { type Profile, PROFILES } from './profile.ts';
import { numberOf, wholeOf } from '#local/commands/command.ts';
import { Trouble } from '#local/stack/trouble.ts';

export interface Options extends Settings {
  readonly rounds: number;
  readonly arms: readonly Arm[];
  /** Secondary arms have one round. */
  readonly primaryOnly: boolean;
  /** Under today's date in bench/results, and on the page. */
  readonly save: boolean;
  readonly instead?: 'help' | 'report' | { readonly profile: Profile };
}

export const USAGE = `npm run bench -- [options]

  without options        everything but what takes very long, three rounds: about half an hour
  --quick                ours, two peers and the light load, shortly: under three minutes
  --final                everything but what takes very long, secondary things once; saved, and on the page: under 20 minutes
  --only light,loop      these arms or groups of arms; growth-1m is the one that takes very long
  --rounds 3             so often the arms take their turns
  --seconds 5            how long each case is measured
  --in-flight 1,200,500  orders on their way at any time (closed loop)
  --rates 2,10,25,50     orders a second (light load)
  --start=--processes=each
                         how the stack of the light load is started; may be given several times
  --save                 keeps the figures under today's date in bench/results and writes docs/performance.md from them
  --report               writes docs/performance.md from the committed figures, measures nothing
  --profile engine       a CPU profile instead (also: embedded, database): a .cpuprofile and where the time went
  --help`;

const QUICK = ['bare', 'memory', 'embedded', 'hand-written', 'bullmq-always', 'light'];

/** @throws {Trouble} that says what is wrong, {TypeError} for an unknown option */
export function optionsOf(args: readonly string[], all: readonly Arm[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      final: { type: 'boolean', default: false },
      only: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      'in-flight': { type: 'string' },
      rates: { type: 'string' },
      start: { type: 'string', multiple: true, default: [] },
      save: { type: 'boolean', default: false },
      report: { type: 'boolean', default: false },
      profile: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const { quick, final } = values;
  const usual = quick
    ? { rounds: '1', seconds: '3', inFlight: '500', rates: '10,50' }
    : { rounds: '3', seconds: final ? '4' : '5', inFlight: '1,200,500', rates: '2,10,25,50' };
  const instead = insteadOf(values);
  return {
    arms: armsOf(values.only ?? (quick ? QUICK.join(',') : undefined), all),
    rounds: wholeOf('--rounds', values.rounds ?? usual.rounds, 1, 1000),
    seconds: numberOf('--seconds', values.seconds ?? usual.seconds, 0.1, 3600),
    inFlight: listOf(values['in-flight'] ?? usual.inFlight, (text) => wholeOf('--in-flight', text, 1, 10_000)),
    rates: listOf(values.rates ?? usual.rates, (text) => numberOf('--rates', text, 0.1, 1000)),
    start: values.start,
    primaryOnly: final,
    save: final || values.save,
    ...(instead === undefined ? {} : { instead }),
  };
}

function insteadOf(values: { help: boolean; report: boolean; profile?: string }): Options['instead'] {
  if (values.help) return 'help';
  if (values.report) return 'report';
  if (values.profile === undefined) return undefined;
  const profile = PROFILES.find((one) => one === values.profile);
  if (profile === undefined) throw new Trouble(`--profile knows ${PROFILES.join(', ')}, not ${values.profile}`);
  return { profile };
}

function listOf(text: string, one: (part: string) => number): readonly number[] {
  return text.split(',').map(one);
}

/** The arms that are named, by their name or their group's, in the order of the list. @throws {Trouble} for an unknown name */
export function armsOf(only: string | undefined, all: readonly Arm[]): readonly Arm[] {
  const usual = all.filter(({ onlyNamed }) => onlyNamed !== true);
  if (only === undefined) return usual;
  const names = only.split(',').map((name) => name.trim());
  const known = new Set([...all.map(({ name }) => name), ...usual.map(({ group }) => group)]);
  const unknown = names.filter((name) => !known.has(name));
  if (unknown.length > 0)
    throw new Trouble(`--only knows no ${unknown.join(', ')}; it knows ${[...known].toSorted().join(', ')}`);
  return all.filter((arm) => names.includes(arm.name) || (usual.includes(arm) && names.includes(arm.group)));
}
