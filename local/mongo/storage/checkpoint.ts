import type { Catalog } from './catalog.ts';
import type { Journal } from './journal.ts';
import type { Storage } from './storage.ts';

/**
 * Moves documents from the journal into the tables, in small steps that share the commits of the turns: when the journal
 * has grown by `sectionBytes`, what changed until then is written, and then that section of the journal is removed.
 */
export interface Checkpoints {
  /** Does one step inside the open transaction; says whether there is more to do. */
  step(): boolean;
  /** Everything at once; the journal is empty afterwards. */
  complete(): void;
  /** The tables were read again: nothing is under way. */
  reset(): void;
}

const documentsPerStep = 192;

export function createCheckpoints(
  storage: Storage,
  catalog: Catalog,
  journal: Journal,
  sectionBytes: number,
): Checkpoints {
  let end: number | undefined;

  function drain(limit: number): boolean {
    let left = limit;
    for (const collection of catalog.all()) {
      left -= collection.drain(left);
      if (left === 0) return false;
    }
    return true;
  }

  function finishSection(limit: number): void {
    storage.begin();
    if (end === undefined || !drain(limit)) return;
    journal.forget(end);
    end = undefined;
  }

  function complete(): void {
    storage.begin();
    for (const collection of catalog.all()) collection.flush();
    journal.forget(journal.mark());
    end = undefined;
  }

  return {
    step() {
      // What was deleted frees its space only here, and nothing is taken before there is some.
      if ((journal.bytes > 0 || end !== undefined) && storage.full()) complete();
      else if (end !== undefined) finishSection(journal.bytes < sectionBytes ? documentsPerStep : Infinity);
      else if (journal.bytes >= sectionBytes) {
        end = journal.mark();
        for (const collection of catalog.all()) collection.beginDrain();
      }
      return end !== undefined;
    },
    complete,
    reset() {
      end = undefined;
    },
  };
}
