import type { Arm, Settings } from './arm.ts';
import { type Profile, PROFILES } from './profile.ts';
import { numberOf, wholeOf } from '#local/commands/command.ts';
import { commandSpec, parsedBy } from '#local/commands/command-line.ts';
import { Trouble } from '#local/stack/trouble.ts';

export interface Options extends Settings {
  readonly rounds: number;
  readonly arms: readonly Arm[];
  /** Secondary arms have one round. */
  readonly primaryOnly: boolean;
  /** Under today's date in bench/results, and on the page. */
  readonly save: boolean;
  readonly instead?: 'report' | { readonly profile: Profile };
}

export const benchCommand = commandSpec({
  call: 'npm run bench --',
  does: 'Measures an order on its road beside the bare broker and beside others, and the light load on what `npm start` starts. Without options: everything but what takes very long, three rounds, about half an hour.',
  options: {
    quick: {
      type: 'boolean',
      default: false,
      means: 'ours, two peers and the light load, shortly: under three minutes',
    },
    final: {
      type: 'boolean',
      default: false,
      means: 'everything but what takes very long, secondary things once; saved, and on the page: about 25 minutes',
    },
    only: {
      type: 'string',
      value: 'NAME,...',
      means:
        'these arms or groups of arms; only by their names: growth-1m, which takes very long, light-one and light-each',
    },
    rounds: { type: 'string', value: 'N', means: 'so often the arms take their turns' },
    seconds: { type: 'string', value: 'N', means: 'how long each case is measured' },
    'in-flight': { type: 'string', value: 'N,...', means: 'orders on their way at any time (closed loop)' },
    rates: { type: 'string', value: 'N,...', means: 'orders a second (light load)' },
    start: {
      type: 'string',
      value: 'OPTION',
      multiple: true,
      default: [],
      means: 'how the stack of the light load is started',
    },
    save: {
      type: 'boolean',
      default: false,
      means: "keeps the figures under today's date in bench/results and writes docs/performance.md from them",
    },
    report: {
      type: 'boolean',
      default: false,
      means: 'writes docs/performance.md from the committed figures, measures nothing',
    },
    profile: {
      type: 'string',
      value: 'WHAT',
      means: `a CPU profile instead, of ${PROFILES.join(', ')}: a .cpuprofile and where the time went`,
    },
  },
  examples: [
    ['--only light-one,light-each --save', 'the light load in one process and in one for each service, in turns'],
    ['--quick', 'where we stand, in three minutes'],
    [
      '--only light --rates 2,10 --start=--processes=each',
      'the light load alone, every service in a process of its own',
    ],
  ],
});

const QUICK = ['bare', 'memory', 'embedded', 'hand-written', 'bullmq-always', 'light'];

/** @throws {Trouble} that says what is wrong */
export function optionsOf(args: readonly string[], all: readonly Arm[]): Options {
  const { values } = parsedBy(benchCommand, args);
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

function insteadOf(values: { report: boolean; profile?: string }): Options['instead'] {
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
