/**
 * Every error that the gateway answers with (RFC 9457). `type` is `/problems/{slug}`, stable, and documented at that
 * very address from this table.
 */
export const problemTypes = {
  validation: {
    status: 400,
    title: 'The request is not valid',
    description:
      'A field, parameter or header is missing, unknown or out of range. `errors` names each one by a JSON pointer (RFC 6901). Nothing was done; correct it and send it again, also under the same Idempotency-Key.',
  },
  'malformed-json': {
    status: 400,
    title: 'The body is not JSON',
    description: 'The body must be one JSON document in UTF-8 (RFC 8259). Nothing was done.',
  },
  unauthorized: {
    status: 401,
    title: 'No valid token',
    description: 'Send `Authorization: Bearer <token>` with a token that is signed by a known key and has not expired.',
  },
  forbidden: {
    status: 403,
    title: 'Not allowed for this token',
    description: 'The token is valid, but this needs an operator, or names another customer.',
  },
  'not-found': {
    status: 404,
    title: 'Nothing here',
    description:
      'There is no such path, or no such thing that this token may see: the order of another customer looks like one that does not exist.',
  },
  'method-not-allowed': {
    status: 405,
    title: 'Method not allowed',
    description: 'The path exists, the method does not; the header Allow lists those that do.',
  },
  'idempotency-key-in-use': {
    status: 409,
    title: 'The first request with this key is still running',
    description:
      'Wait for the seconds in Retry-After and send it again: the answer of the first request will be replayed.',
  },
  'invalid-transition': {
    status: 409,
    title: 'Not possible in the current state',
    description:
      'For example cancelling an order that was paid, discarding a dead letter that is being replayed, or a top-up in another currency than the wallet has. Nothing was done and the Idempotency-Key is free again.',
  },
  'product-exists': {
    status: 409,
    title: 'There is a product with this SKU',
    description:
      'Nothing was changed and the Idempotency-Key is free again. Change the product with `PUT`, or choose another SKU.',
  },
  'product-reserved': {
    status: 409,
    title: 'The product is reserved for orders',
    description:
      'It cannot be deleted while orders that have not ended hold some of it: `reserved` says how many pieces, `openOrders` how many orders. Nothing was changed; try again when they have ended.',
  },
  'price-changed': {
    status: 409,
    title: 'The price is another one now',
    description:
      "A `unitPrice` was stated that is not the catalogue's: `sku` names the product, `stated` is the price of the request, `current` the catalogue's; `errors` says it of every such line. Nothing was ordered and the Idempotency-Key is free.",
  },
  'stock-negative': {
    status: 409,
    title: 'There is not so much in stock',
    description:
      'What is on hand would fall below zero, or below what is reserved for orders. Nothing was changed and the Idempotency-Key is free again.',
  },
  'category-exists': {
    status: 409,
    title: 'There is a category of this name',
    description: 'Names of categories are unique. Nothing was changed and the Idempotency-Key is free again.',
  },
  'precondition-failed': {
    status: 412,
    title: 'It was changed since it was read',
    description:
      'The version that `If-Match` names is not the current one, or never was one. Nothing was changed. Read it again: its ETag is the version to decide about.',
  },
  'payload-too-large': {
    status: 413,
    title: 'The body is too large',
    description: 'The limit is stated in `limitBytes`. Nothing was done.',
  },
  'unsupported-media-type': {
    status: 415,
    title: 'Unsupported media type',
    description: 'Bodies are `application/json` in UTF-8 without content encoding.',
  },
  'idempotency-key-reused': {
    status: 422,
    title: 'The key was used for another request',
    description:
      'An Idempotency-Key names one request for 24 hours; this body or path differs from the first one. Nothing was done.',
  },
  'unknown-product': {
    status: 422,
    title: 'There is no such product',
    description:
      'The catalogue has no product with this SKU, or none any more; of a basket: nor has the supermarket a price of it. `errors` names each line of an order by a JSON pointer (RFC 6901), `skus` each product of a basket. Nothing was ordered and the Idempotency-Key is free.',
  },
  'strategy-refused': {
    status: 422,
    title: 'The strategy can not be used',
    description:
      'It does not compile, or what it answered when it was tried is no amount: `detail` says what, `line` and `column` where, as far as it is about a place. Nothing was changed.',
  },
  'precondition-required': {
    status: 428,
    title: 'The header If-Match is missing',
    description:
      'What is changed must be the version that was read, so that no change of somebody else is lost: send its `ETag` as `If-Match`. Nothing was changed.',
  },
  'too-many-requests': {
    status: 429,
    title: 'Too many requests',
    description:
      'Of all clients at once, of this customer, or without a valid token from this address. Nothing was done. Try again after the seconds in Retry-After.',
  },
  'strategy-failed': {
    status: 502,
    title: 'The strategy of a product failed',
    description:
      'No total is given. `sku` names the product, `version` the strategy, `did` what it did: it threw, took too long, took too much memory, or its result is no amount. Activate another version.',
  },
  'internal-error': {
    status: 500,
    title: 'A fault of the gateway',
    description:
      'Never caused by input alone. Report the `traceId`; an Idempotency-Key makes it safe to send the request again.',
  },
  'breaker-open': {
    status: 503,
    title: 'The route takes nothing now',
    description:
      'The circuit breaker of the route in `route` is open. This request stored nothing; what an earlier one under the same Idempotency-Key did still counts. Try again, under the same key, after the seconds in Retry-After (`retryAfterMs` in milliseconds).',
  },
  overloaded: {
    status: 503,
    title: 'More orders come than can be worked off',
    description:
      'Orders that were taken before are finished first. This request stored nothing; what an earlier one under the same Idempotency-Key did still counts. Try again, under the same key, after the seconds in Retry-After.',
  },
  'dependency-unavailable': {
    status: 503,
    title: 'Something that is needed is not available',
    description:
      'The broker, the database, the circuit breaker or a service. This request did nothing, unless `detail` says otherwise; what an earlier one under the same Idempotency-Key did still counts. Try again after the seconds in Retry-After.',
  },
  'pricing-timeout': {
    status: 504,
    title: 'A product was not priced in time',
    description: '`sku` names it. No total is given, and nothing was changed: try again.',
  },
  'outcome-unknown': {
    status: 504,
    title: 'The outcome is not known yet',
    description:
      'The request may or may not have been taken. It will be settled in the background. With an Idempotency-Key, send it again under the same key: it takes effect at most once and the answer is then certain.',
  },
} as const;

export type ProblemSlug = keyof typeof problemTypes;
