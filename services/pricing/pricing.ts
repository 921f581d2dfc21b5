import * as contract from './contract.ts';
import type { ProductOf, StrategyRef } from './contract.ts';
import { placeIn, type Problem, type Scripts } from './scripts/contract.ts';
import type { Sources } from './sources.ts';
import { saidFrom } from '#services/fields.ts';
import type { Money } from '#services/money.ts';
import { answering, on, type Context, type Entity, type Result } from '#shared/entity/entity.ts';
import type { BodyOf } from '#shared/message.ts';

/** A version that the product was, or is, priced by. */
export interface KnownVersion extends StrategyRef {
  /** Epoch ms of its last activation, and whose act that was. */
  readonly since: number;
  readonly by: string;
}

/** A product in one supermarket, or in all that say nothing else of it. */
export interface PricingState extends ProductOf {
  /** Only a supermarket has one of its own. */
  readonly price?: Money;
  /** Absent: what holds for all supermarkets, or nothing. */
  readonly active?: StrategyRef;
  /** The active one first, then the one before it; the texts are stored by themselves. */
  readonly versions: readonly KnownVersion[];
}

/** How long a text may be tried: threads that begin on a busy machine take seconds. */
const CHECK_LIMIT_MS = 10_000;
/** Versions that a product can be rolled back to. */
export const VERSIONS_KEPT = 20;

export interface PricingPorts {
  /** Compiles a text and tries it. */
  readonly scripts: Pick<Scripts, 'check'>;
  /** Keeps a text for ever under its version. */
  readonly keepSource: Sources['keep'];
}

/**
 * The price server of one product: which price and which strategy count. A text is kept before the state names its version, so
 * that whoever reads the version finds the text.
 */
export function pricingEntity({ scripts, keepSource }: PricingPorts): Entity<PricingState> {
  return {
    route: 'pricing',
    handlers: [
      on(
        contract.putStrategy,
        async (state, body, context) => {
          const { source, supermarketId, sku } = body;
          const { version, problems, warnings } = await scripts.check(source);
          const before = state ?? unpriced(body);
          const [problem] = problems;
          if (problem !== undefined)
            return answering(
              before,
              context.answer(contract.strategyRefused, refusalOf({ supermarketId, sku }, problem)),
            );
          await keepSource(version, source);
          const known = before.versions.find((one) => one.version === version);
          const name = body.name ?? known?.name ?? `strategy-${version.slice(0, 8)}`;
          const told = warnings.slice(0, contract.MAX_WARNINGS);
          return activated(before, { name, version }, known === undefined, body.by, context, told);
        },
        { limitMs: CHECK_LIMIT_MS },
      ),
      on(contract.activate, (state, body, context) => {
        const before = state ?? unpriced(body);
        const known = [...before.versions, contract.PLAIN].find(({ version }) => version === body.version);
        if (known === undefined)
          return answering(
            before,
            context.answer(contract.activateRefused, { ...productOf(body), reason: 'unknown_version' }),
          );
        const { name, version } = known;
        return activated(before, { name, version }, false, body.by, context);
      }),
      on(contract.setPrice, (state, { supermarketId, sku, price }, context) => {
        const next = { ...(state ?? unpriced({ supermarketId, sku })), price };
        return answering(next, context.answer(contract.priceSet, { supermarketId, sku, price }));
      }),
      on(contract.removePrice, (state, { supermarketId, sku }, context) => {
        const { price: _gone, ...next } = state ?? unpriced({ supermarketId, sku });
        return answering(next, context.answer(contract.priceRemoved, { supermarketId, sku }));
      }),
    ],
  };
}

function refusalOf(product: ProductOf, problem: Problem): BodyOf<typeof contract.strategyRefused> {
  return { ...productOf(product), detail: saidFrom(problem.message).reason, ...placeIn(problem) };
}

/** The product alone, without fields that are absent. */
export function productOf({ supermarketId, sku }: ProductOf): ProductOf {
  return { ...(supermarketId !== undefined && { supermarketId }), sku };
}

function unpriced(product: ProductOf): PricingState {
  return { ...productOf(product), versions: [] };
}

/** The version that is active already, under the same name, stays as it is. */
function activated(
  state: PricingState,
  active: StrategyRef,
  isNew: boolean,
  by: string,
  context: Context,
  warnings?: readonly string[],
): Result<PricingState> {
  const [latest] = state.versions;
  const isSame = latest?.version === active.version && latest.name === active.name && !isNew;
  const since = isSame ? latest.since : context.now;
  const versions = isSame
    ? state.versions
    : [{ ...active, since, by }, ...state.versions.filter(({ version }) => version !== active.version)];
  const body: BodyOf<typeof contract.strategyPut> = {
    ...productOf(state),
    ...active,
    isNew,
    since,
    ...(warnings && { warnings }),
  };
  return answering(
    { ...state, active, versions: versions.slice(0, VERSIONS_KEPT) },
    context.answer(contract.strategyPut, body),
  );
}
