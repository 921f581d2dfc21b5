/** The error codes that drivers act on; names as in MongoDB's public list of error codes. */
const names = {
  2: 'BadValue',
  9: 'FailedToParse',
  14: 'TypeMismatch',
  20: 'IllegalOperation',
  26: 'NamespaceNotFound',
  27: 'IndexNotFound',
  28: 'PathNotViable',
  40: 'ConflictingUpdateOperators',
  43: 'CursorNotFound',
  48: 'NamespaceExists',
  52: 'DollarPrefixedFieldName',
  53: 'InvalidIdField',
  59: 'CommandNotFound',
  66: 'ImmutableField',
  67: 'CannotCreateIndex',
  68: 'IndexAlreadyExists',
  72: 'InvalidOptions',
  73: 'InvalidNamespace',
  85: 'IndexOptionsConflict',
  86: 'IndexKeySpecsConflict',
  123: 'NotAReplicaSet',
  171: 'CannotIndexParallelArrays',
  197: 'InvalidIndexSpecificationOption',
  238: 'NotImplemented',
  8000: 'InternalFailure',
  10334: 'BSONObjectTooLarge',
  11000: 'DuplicateKey',
  14031: 'OutOfDiskSpace',
  31254: 'MixedProjection',
  40324: 'UnrecognizedStage',
  40415: 'UnknownField',
} as const;

export type FailureCode = keyof typeof names;

/** A refusal that goes back to the client as a command error or as one write error of a batch. */
export class MongoFailure extends Error {
  override readonly name = 'MongoFailure';
  readonly code: FailureCode;
  /** Further fields of the error document, e.g. `keyPattern` and `keyValue` of a duplicate key. */
  readonly extra: Readonly<Record<string, unknown>>;

  constructor(code: FailureCode, text: string, extra: Readonly<Record<string, unknown>> = {}, options?: ErrorOptions) {
    super(text, options);
    this.code = code;
    this.extra = extra;
  }
}

export function codeName(code: FailureCode): string {
  return names[code];
}

/** Any thrown value as the failure that the client is told. */
export function failureOf(thrown: unknown): MongoFailure {
  if (thrown instanceof MongoFailure) return thrown;
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  if (text.includes('database or disk is full')) return new MongoFailure(14031, 'the disk is full');
  if (thrown instanceof Error && thrown.constructor.name === 'MingoError') return new MongoFailure(2, text);
  return new MongoFailure(8000, text);
}

/** The body of an error answer. */
export function errorAnswer(failure: MongoFailure): Record<string, unknown> {
  return { ok: 0, errmsg: failure.message, code: failure.code, codeName: codeName(failure.code), ...failure.extra };
}
