/** A program that starts stacks of its own outside `npm test`: their folder, their end, its exit code. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { privateDir, stackDir } from '#local/stack/addresses.ts';
import { removeDeadTestRuns, removeTestRun } from '#local/stack/clean-up.ts';
import { lifetime } from '#local/stack/lifetime.ts';
import { tryLock } from '#local/stack/lock.ts';
import { Trouble } from '#local/stack/trouble.ts';

interface Program {
  say(text: string): void;
  /** The number of an option. Throws `Trouble` for what is no number above 0. */
  positive<Name extends string>(name: Name, values: Readonly<Record<Name, string>>): number;
}

/** Exit code 0 when `work` resolves with true, 1 when with false, 130 after a signal. */
export function ownRun(work: (program: Program) => Promise<boolean>): Promise<void> {
  return lifetime({ signalCode: 130 }, async ({ onStop, finish }) => {
    privateDir(stackDir);
    await removeDeadTestRuns(stackDir);
    const dir = join(stackDir, `test-${process.pid}`);
    mkdirSync(dir, { recursive: true });
    tryLock(join(dir, 'lock'));
    onStop(() => removeTestRun(dir));
    process.env['SWITCHYARD_TEST_DIR'] = dir;
    const sound = await work({
      say: (text) => void process.stdout.write(`${text}\n`),
      positive(name, values) {
        const value = Number(values[name]);
        if (value > 0 && Number.isFinite(value)) return value;
        throw new Trouble(`--${name} must be a number above 0, not ${values[name]}`);
      },
    });
    finish(sound ? 0 : 1, '');
  });
}
