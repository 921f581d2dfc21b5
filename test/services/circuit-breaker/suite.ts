import type { TestFn } from 'ava';
import type { Run } from './suite-run.ts';
import { evidence } from './suite-evidence.ts';
import { cycles } from './suite-cycles.ts';
import { keeping } from './suite-keeping.ts';
import { operating } from './suite-operating.ts';
import { questions } from './suite-questions.ts';
import { surviving } from './suite-surviving.ts';
import { wiring } from './suite-wiring.ts';
import { openWorld, type OpenGround } from './world.ts';
import { createSlots } from '#shared/slots.ts';

/** What the circuit breaker promises, on whichever broker. Each test has a broker to itself; `atOnce` of them run together. */
export function breakerSuite(test: TestFn, openGround: OpenGround, atOnce: number): void {
  const slots = createSlots(atOnce);
  const run: Run = (title, body, given) =>
    test(title, async (t) => {
      if (!slots.tryTake()) await slots.wait();
      const world = await openWorld(openGround, given);
      try {
        await body(t, world);
      } finally {
        await world.close().finally(() => slots.release());
      }
    });
  evidence(run);
  cycles(run);
  keeping(run);
  operating(run);
  surviving(run);
  wiring(run);
  questions(run);
}
