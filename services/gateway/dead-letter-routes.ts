import { type DeadLetters, deadLetterHandlers } from './dead-letters.ts';
import { type Endpoint, endpoint } from '#shared/web/endpoint.ts';
import * as schemas from './schemas.ts';
import * as shapes from './shapes.ts';
import type { Clock } from '#shared/clock.ts';

/** What nobody could handle: looked at, sent again, thrown away. */
export function deadLetterRoutes(
  deadLetters: DeadLetters,
  clock: Clock,
  routes: readonly string[],
): readonly Endpoint[] {
  const letters = deadLetterHandlers(deadLetters, clock);
  return [
    endpoint('GET', '/v1/dead-letters', {
      summary: 'Messages that nobody could handle, the newest failure first, secrets masked.',
      access: 'operator',
      query: schemas.listLetters(routes),
      answers: { 200: shapes.letters },
      handle: letters.list,
    }),
    endpoint('GET', '/v1/dead-letters/causes', {
      summary: 'What they died of, by route, with how many are in which state; the most frequent first.',
      access: 'operator',
      query: schemas.listCauses(routes),
      answers: { 200: shapes.causes },
      handle: letters.causes,
    }),
    endpoint('GET', '/v1/dead-letters/:letterId', {
      summary: 'One, with the message itself, its failures, and where a replay would send it.',
      access: 'operator',
      answers: { 200: shapes.letterDetails },
      handle: letters.find,
    }),
    endpoint('POST', '/v1/dead-letters/replay', {
      summary:
        'Send again all that are `dead` and match everything given (those named by id also when discarded), at most `ratePerS` a second. 202: they are marked, and will be sent whoever dies.',
      access: 'operator',
      body: schemas.replayLetters(routes),
      problems: ['outcome-unknown'],
      answers: { 202: shapes.replayRequested },
      handle: letters.replayMany,
    }),
    endpoint('POST', '/v1/dead-letters/:letterId/replay', {
      summary:
        'Send one again, the way it came, under the same message id. 409: it was replayed and did not fail since, or it is broken.',
      access: 'operator',
      body: schemas.replayLetter,
      bodyOptional: true,
      problems: ['invalid-transition', 'outcome-unknown'],
      answers: { 202: shapes.letterDetails },
      handle: letters.replayOne,
    }),
    endpoint('POST', '/v1/dead-letters/:letterId/discard', {
      summary: 'Say that nobody needs it any more, and why. It is kept for 90 days. 409: it is not `dead`.',
      access: 'operator',
      body: schemas.discardLetter,
      problems: ['invalid-transition', 'outcome-unknown'],
      answers: { 200: shapes.letterDetails },
      handle: letters.discard,
    }),
  ];
}
