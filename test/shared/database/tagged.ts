import { systemClock } from '#shared/clock.ts';
import { changeDocuments, type Migration } from '#shared/database/migration.ts';

/** Gives every thing a tag, ten at a time, and takes it back. `pauseMs`: the wait before each batch is stored as done. */
export function tagged({ name = '0001-tags', pauseMs = 0 } = {}): Migration {
  const path = `state.${name}`;
  const change = (needing: boolean): Migration['up'] =>
    async function changeThings(run) {
      const slowly = {
        ...run,
        reach: async (progress: Parameters<typeof run.reach>[0]) => {
          await systemClock.sleep(pauseMs);
          await run.reach(progress);
        },
      };
      await changeDocuments(slowly, {
        collection: 'things',
        needing: { [path]: { $exists: !needing } },
        change: needing ? { $set: { [path]: [] } } : { $unset: { [path]: 1 } },
        batch: 10,
      });
    };
  return { name, up: change(true), down: change(false) };
}
