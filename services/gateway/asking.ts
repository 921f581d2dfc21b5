import type { BreakerBoard } from '#services/circuit-breaker/board.ts';
import { type Ask, QuestionError } from '#shared/question/question.ts';
import { breakerOpen, dependencyUnavailable, type Problem } from '#shared/web/problems.ts';

export interface AskingAtDoorOptions {
  readonly ask: Ask;
  readonly board: Pick<BreakerBoard, 'retryAfterMs'>;
  /** One cycle of the breaker: what a client is told to wait for an open route that no breaker has reported. */
  readonly gateCycleMs: number;
}

/** Asks for a client: that the owner's route is open, or the broker away, is a problem that every door tells in the same way. */
export function askingAtDoor({ ask, board, gateCycleMs }: AskingAtDoorOptions): Ask {
  const problemOf = (error: unknown): unknown => {
    if (!(error instanceof QuestionError)) return error;
    if (error.code === 'refused') return refused(error);
    return error.code === 'unheard' ? dependencyUnavailable('broker', 'the broker is not available', error) : error;
  };
  const refused = (error: QuestionError): Problem =>
    breakerOpen({ route: error.route, retryAfterMs: board.retryAfterMs(error.route) ?? gateCycleMs }, error);
  return async (type, body, options) => {
    try {
      return await ask(type, body, options);
    } catch (error) {
      throw problemOf(error);
    }
  };
}
