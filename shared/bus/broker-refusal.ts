/** Why the broker refused an operation on its topology. */
export type RefusalCode =
  | 'locked' // another connection holds the queue exclusively
  | 'missing' // the queue or exchange does not exist
  | 'forbidden' // the user has no right to it
  | 'mismatch' // it exists with another type or other arguments
  | 'failed'; // anything else; the text says what

/** The broker said no: trying the same again changes nothing until someone changes the broker. */
export class BrokerRefusal extends Error {
  override readonly name = 'BrokerRefusal';
  readonly code: RefusalCode;

  constructor(code: RefusalCode, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.code = code;
  }
}
