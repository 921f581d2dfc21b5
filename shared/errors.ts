/** Why a publish did not succeed; what to do depends on nothing else. */
export type PublishFailure =
  | 'returned' // nothing is bound there: on `<route>.in` the route is open, elsewhere topology is missing
  | 'nacked' // the broker refused to take it (queue full, alarm)
  | 'not-connected' // it was never sent
  | 'outcome-unknown'; // the connection or the wait for the confirm ended first: it may be in the queue

/** A message that the broker did not confirm. `code` says how certain that is. */
export class PublishError extends Error {
  override readonly name = 'PublishError';
  readonly code: PublishFailure;
  readonly exchange: string;

  constructor(code: PublishFailure, exchange: string, detail: string, options?: ErrorOptions) {
    super(`publish to ${exchange} ${code}: ${detail}`, options);
    this.code = code;
    this.exchange = exchange;
  }
}

/** A message that can never be handled, whatever is tried: wrong type, wrong body, wrong key. Becomes a dead letter. */
export class InvalidMessage extends Error {
  override readonly name = 'InvalidMessage';
}

/** Configuration that must not run; lists every problem at once. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`configuration refused:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

/** The text of anything thrown. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
