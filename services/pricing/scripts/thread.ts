/** What runs in a thread: loads the engine, then answers one message after another. Knows nothing of the process around it. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Asked, Told } from './batch.ts';
import { dryRun } from './dry-run.ts';
import { loadEngine } from './realm.ts';
import { createRunning } from './running.ts';
import { MOVES, type ThreadData, TURN } from './thread-data.ts';

const { limits, progress } = workerData as ThreadData;
const port = parentPort!;
const moved = (): void => void Atomics.add(progress, MOVES, 1);
const engine = await loadEngine(limits);
const running = createRunning(engine, limits, { moved, turn: (group) => void Atomics.store(progress, TURN, group) });
const tell = (told: Told, transfer: readonly ArrayBuffer[] = []): void => port.postMessage(told, [...transfer]);

port.on('message', (asked: Asked) => {
  moved();
  if ('dryRun' in asked) return tell({ seen: dryRun(engine, asked.dryRun, limits, moved) });
  const answers = running.run(asked.batch);
  tell({ answers }, [answers.amounts.buffer]);
});
tell({ ready: true });
