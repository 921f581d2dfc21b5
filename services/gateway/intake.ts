import { askingAtDoor } from './asking.ts';
import { laterMs, type Shed } from './load-shedding.ts';
import type { RequestStore } from './requests.ts';
import { createSubmit, type SubmitOptions } from './submit.ts';
import { type Ask, QuestionError } from '#shared/question/question.ts';
import type { Door } from '#shared/web/door.ts';

export interface IntakeOptions extends SubmitOptions {
  readonly requests: RequestStore;
  /** Absent: nobody is asked. */
  readonly ask?: Ask | undefined;
  /** Absent: everything is taken. */
  readonly shed?: Shed | undefined;
  /** So much load is being taken at once; more is told to come later. */
  readonly maxPlacing: number;
}

/** Takes the requests of clients: what the endpoints of all services submit through. */
export function createIntake(options: IntakeOptions): Omit<Door, 'lookUp' | 'needs'> {
  const { clock, maxPlacing, outcomeMs, requests, ask = nobodyIsAsked } = options;
  const submit = createSubmit(options);
  let placing = 0;
  /** Where the database or the broker is slow, more at once would only make each slower. */
  const shed = (): number | undefined => (placing > maxPlacing ? laterMs(clock) : options.shed?.());
  return {
    clock,
    outcomeMs,
    accepted: requests.ofResource,
    ask: askingAtDoor({ ...options, ask }),
    async submit(submission) {
      if (submission.isLoad !== true) return submit(submission);
      placing += 1;
      try {
        return await submit({ ...submission, shed });
      } finally {
        placing -= 1;
      }
    },
  };
}

const nobodyIsAsked: Ask = (type) => Promise.reject(new QuestionError('unheard', type, 'this door asks nobody'));
