import { parseArgs } from 'node:util';
import type { Arm, Settings } from './arm.ts';
import { numberOf, wholeOf } from '#local/command.ts';
import { Trouble } from '#local/trouble.ts';

export interface Options extends Settings {
  readonly help: boolean;
  readonly rounds: number;
  readonly arms: readonly Arm[];
}

export const USAGE = `npm run bench -- [options]

  --only light,loop     these arms or groups of arms
  --rounds 3            so often the arms take their turns
  --seconds 5           how long each case is measured
  --in-flight 1,200,500 orders on their way at any time (closed loop)
  --rates 2,10,25,50    orders a second (light load)
  --start=--processes=1 how the stack of the light load is started; may be given several times
  --help`;

/** @throws {Trouble} that says what is wrong, {TypeError} for an unknown option */
export function optionsOf(args: readonly string[], all: readonly Arm[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '5' },
      'in-flight': { type: 'string', default: '1,200,500' },
      rates: { type: 'string', default: '2,10,25,50' },
      start: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean', default: false },
    },
  });
  return {
    help: values.help,
    arms: armsOf(values.only, all),
    rounds: wholeOf('--rounds', values.rounds, 1, 1000),
    seconds: numberOf('--seconds', values.seconds, 0.1, 3600),
    inFlight: values['in-flight'].split(',').map((text) => wholeOf('--in-flight', text, 1, 10_000)),
    rates: values.rates.split(',').map((text) => numberOf('--rates', text, 0.1, 1000)),
    start: values.start,
  };
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
