import test from 'ava';
import { allCopies, copiesOf } from '#local/stack/copies.ts';
import { startOptions } from '#local/commands/start-options.ts';
import { Trouble } from '#local/stack/trouble.ts';
import { serviceNames } from '#services/services.ts';

test('workers are given by service; the others have one', (t) => {
  const { workers, processes, demo, cluster } = startOptions(['--workers', 'payment=3, saga=2', '--no-demo']);
  t.deepEqual(workers, { payment: 3, saga: 2 });
  t.deepEqual([processes, demo, cluster], ['one-each', false, false]);
  t.deepEqual(
    copiesOf('payment', workers).map(({ name, worker }) => [name, worker]),
    [
      ['payment-1', 'payment-1'],
      ['payment-2', 'payment-2'],
      ['payment-3', 'payment-3'],
    ],
  );
  t.deepEqual(copiesOf('wallet', workers), [{ service: 'wallet', name: 'wallet', worker: 'wallet-1' }]);
  t.is(allCopies(workers).length, serviceNames.length + 3);
});

for (const [args, processes] of [
  [[], 'one'],
  [['--cluster'], 'one'],
  [['--processes=one'], 'one'],
  [['--processes=1'], 'one'],
  [['--processes=each'], 'one-each'],
  [['--workers', 'payment=2'], 'one-each'],
  [['--workers', 'payment=2', '--processes', 'each'], 'one-each'],
] as const) {
  test(`npm start ${args.join(' ')} runs its services in ${processes === 'one' ? 'one process' : 'one process each'}`, (t) => {
    t.is(startOptions(args).processes, processes);
  });
}

const wrong: readonly [string, readonly string[], RegExp][] = [
  ['a service that does not exist', ['--workers', 'payments=3'], /no service payments; there are order, /],
  ['no number', ['--workers', 'payment'], /"payment" is not like payment=3/],
  ['a negative number', ['--workers', 'payment=-1'], /"payment=-1" is not like/],
  ['half a worker', ['--workers', 'payment=1.5'], /not like/],
  ['no workers', ['--workers', 'payment=0'], /1 to 32 workers/],
  ['more than the machine bears', ['--workers', 'payment=33'], /1 to 32 workers/],
  ['a service twice', ['--workers', 'payment=2,payment=3'], /payment is there twice/],
  ['nothing', ['--workers', ''], /not like/],
  ['a comma too many', ['--workers', 'payment=2,'], /"" is not like/],
  ['a word that is no number', ['--workers', 'constructor=2'], /no service constructor/],
  ['workers in one process', ['--workers', 'payment=2', '--processes=1'], /leave --processes out/],
  ['workers in one process, in words', ['--workers', 'payment=2', '--processes=one'], /leave --processes out/],
  ['two processes', ['--processes=2'], /one \(for all services\) or each/],
  ['an unknown option', ['--worker', 'payment=2'], /Unknown option '--worker'.*npm start -- --help/s],
  ['a stray word', ['payment=2'], /Unexpected argument 'payment=2'/],
];

for (const [what, args, message] of wrong) {
  test(`${what} is refused in a sentence`, (t) => {
    t.throws(() => startOptions(args), { instanceOf: Trouble, message });
  });
}
