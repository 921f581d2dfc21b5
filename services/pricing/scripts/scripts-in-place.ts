import { unfitAmong } from './amount.ts';
import { ScriptFailure, type Scripts } from './contract.ts';
import { dryRun, REPRESENTATIVE } from './dry-run.ts';
import { type ScriptLimits, scriptLimits } from './limits.ts';
import { loadEngine } from './realm.ts';
import { createRunning } from './running.ts';
import { versionOf } from './version.ts';

/**
 * Scripts without threads: what is asked is answered at once, so that a run under a virtual clock can be replayed. What the engine
 * cannot interrupt holds the process: for simulations and tests, never for scripts that somebody uploads.
 */
export async function createScriptsInPlace(own: Partial<ScriptLimits> = {}): Promise<Scripts> {
  const limits = { ...scriptLimits, ...own };
  const engine = await loadEngine(limits);
  const running = createRunning(engine, limits);
  return {
    versionOf,
    check(source, cases = REPRESENTATIVE) {
      return Promise.resolve({ version: versionOf(source), ...dryRun(engine, { source, cases }, limits) });
    },
    async call({ source, version }, cases) {
      const unfit = unfitAmong(cases, limits.amount);
      if (unfit) throw new ScriptFailure(unfit);
      const numbers = Float64Array.from(cases.flatMap(({ quantity, price }) => [quantity, price]));
      const { amounts, failures } = running.run({ groups: [{ version, source, sizes: [cases.length] }], numbers });
      const [failure] = failures;
      if (failure) throw new ScriptFailure(failure.failed);
      return Array.from(amounts, (amount) => amount + 0);
    },
    async close() {},
  };
}
