import test from 'ava';
import { allArms } from '#bench/all-arms.ts';
import type { Arm } from '#bench/arm.ts';
import { armsOf, optionsOf } from '#bench/options.ts';

const arm = (name: string, group: string, onlyNamed = false): Arm => ({
  name,
  title: name,
  group,
  onlyNamed,
  run: async () => [],
});
const arms = [
  arm('bare', 'loop'),
  arm('memory', 'loop'),
  arm('light', 'light'),
  arm('growth-10k', 'growth'),
  arm('growth-1m', 'growth', true),
];
const names = (only?: string): readonly string[] => armsOf(only, arms).map(({ name }) => name);

test('--only takes names of arms and of groups', (t) => {
  t.deepEqual(names('loop'), ['bare', 'memory']);
  t.deepEqual(names('light, bare'), ['bare', 'light']);
});

test('--only refuses a name that it does not know, and says which it knows', (t) => {
  t.throws(() => names('memory,mem,lite'), {
    message: '--only knows no mem, lite; it knows bare, growth, growth-10k, growth-1m, light, loop, memory',
  });
  t.throws(() => optionsOf(['--only', ''], arms), { message: /--only knows no/ });
});

test('an arm that takes very long runs only when it is named', (t) => {
  t.deepEqual(names(), ['bare', 'memory', 'light', 'growth-10k']);
  t.deepEqual(names('growth'), ['growth-10k']);
  t.deepEqual(names('growth-1m'), ['growth-1m']);
});

test('no two arms have the same name, and no arm has the name of a group that it is not in', (t) => {
  t.is(new Set(allArms.map(({ name }) => name)).size, allArms.length);
  for (const { name, group } of allArms)
    t.true(
      allArms.every((other) => other.group !== name || other.group === group || other.name === name),
      name,
    );
});

test('options that mean nothing are refused', (t) => {
  t.throws(() => optionsOf(['--rounds', '0'], arms), { message: /--rounds/ });
  t.throws(() => optionsOf(['--in-flight', '1,many'], arms), { message: /--in-flight/ });
  t.throws(() => optionsOf(['--fast'], arms), { message: /--fast/ });
});

test('one process for all and a process each are measured in turns when they are named', (t) => {
  const chosen = optionsOf(['--only', 'light-one,light-each'], allArms);
  t.deepEqual(
    chosen.arms.map(({ name }) => name),
    ['light-one', 'light-each'],
  );
  t.is(chosen.rounds, 3);
  t.false(optionsOf([], allArms).arms.some(({ group }) => group === 'processes'));
});
