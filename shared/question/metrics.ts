import { Counter, Histogram, type Registry } from 'prom-client';
import type { AnsweredHow } from './answering.ts';
import type { AskerMeter } from './asker.ts';

/** What this process asks, by the route of the owners. */
export function askerMeter(registry: Registry): AskerMeter {
  const registers = [registry];
  const asked = new Counter({
    name: 'switchyard_questions_asked_total',
    help: 'Questions to the owners of keys',
    labelNames: ['route'],
    registers,
  });
  const ended = new Counter({
    name: 'switchyard_questions_ended_total',
    help: 'How they ended: answered, problem (of the owner), refused (the route is open), unheard (not sent), late, broken',
    labelNames: ['route', 'end'],
    registers,
  });
  const took = new Histogram({
    name: 'switchyard_question_duration_seconds',
    help: 'Time to the answer or the problem of the owner',
    labelNames: ['route'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  return {
    asked: (route) => asked.inc({ route }),
    ended(route, end, tookMs) {
      ended.inc({ route, end });
      if (end === 'answered' || end === 'problem') took.observe({ route }, tookMs / 1000);
    },
  };
}

/** What this worker answers, by type. */
export function answeringMeter(registry: Registry): (type: string, how: AnsweredHow) => void {
  const answered = new Counter({
    name: 'switchyard_questions_answered_total',
    help: 'Questions that came here: answered, problem, broken (the handler failed), dropped (nobody waited any more), late (nobody waited any more for the handler)',
    labelNames: ['type', 'how'],
    registers: [registry],
  });
  return (type, how) => answered.inc({ type, how });
}
