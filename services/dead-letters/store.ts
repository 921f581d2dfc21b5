import type { Connection, mongo } from 'mongoose';
import type { Selection } from './contract.ts';
import { chosenBy, matching, notObsolete, obsoleteAt } from './choosing.ts';
import type { Burial } from './letter.ts';
import { deadLettersCollection, type StoredLetter, turnsCollection } from './model.ts';
import { isDuplicateKey } from '#shared/database/duplicate-key.ts';
import { majorityCollection } from '#shared/database/majority.ts';

/** Where dead letters are kept. Every method is one write (or several that may stop anywhere): nothing is lost in between. */
export interface LetterStore {
  prepare(): Promise<void>;
  /** Keeps a burial, once: the letter is `dead`, whatever it was. `known`: this very burial was kept before. */
  record(burial: Burial): Promise<'stored' | 'known'>;
  /** Marks the chosen letters as `replaying`, each once for the same request and none that is broken; says how many that are. */
  mark(request: MarkRequest): Promise<number>;
  /** A page of those that a replay would choose, or that are `dead`, and whose order is not known to have ended; by id. */
  waiting(select: Selection | undefined, after: string, limit: number): Promise<readonly WaitingLetter[]>;
  /** Notes that the orders of these letters have ended. */
  orderEnded(letters: readonly { readonly id: string; readonly at: Date }[]): Promise<void>;
  /** The letter that was to be replayed first, of other requests and routes than these. */
  next(except: {
    readonly requests: readonly string[];
    readonly routes: readonly string[];
  }): Promise<Marked | undefined>;
  /** Marks it as `replayed`, unless it failed again already. */
  replayed(letter: Marked, at: Date): Promise<void>;
  /** Notes why it is not published yet. */
  delayed(letter: Marked, problem: string): Promise<void>;
  /** It cannot be published: `dead` again, with the problem. */
  givenUp(letter: Marked, problem: string): Promise<void>;
  /** 1: discarded by this request, now or before. */
  discard(request: DiscardRequest): Promise<number>;
  /** The same of many: what is `dead`, also what is broken or obsolete. Says how many that are. */
  discardMany(request: DiscardManyRequest): Promise<number>;
  /** By state; what is dead and obsolete at `now` counts as `obsolete`. */
  counts(now: Date): Promise<readonly { readonly route: string; readonly state: string; readonly count: number }[]>;
  /** Takes or keeps the right to replay for `ms`; false: somebody else has it. */
  takeTurn(holder: string, now: Date, ms: number): Promise<boolean>;
  leaveTurn(holder: string): Promise<void>;
}

export interface MarkRequest {
  readonly id: string;
  readonly by: string;
  readonly at: Date;
  readonly select: Selection;
  readonly ratePerS: number;
}

export interface DiscardRequest {
  readonly id: string;
  readonly letter: string;
  readonly by: string;
  readonly reason: string;
  readonly at: Date;
}

export interface DiscardManyRequest extends Pick<DiscardRequest, 'id' | 'by' | 'reason' | 'at'> {
  readonly select: Selection;
}

/** A letter of an order. */
export interface WaitingLetter {
  readonly id: string;
  readonly route: string;
  readonly orderId: string;
  readonly messageId: string;
}

export type Marked = StoredLetter & { readonly replay: NonNullable<StoredLetter['replay']> };

interface Turn {
  readonly _id: string;
  readonly holder: string;
  readonly until: Date;
}

const KEPT_FAILURES = 50;
const SETTLED_KEPT_S = 90 * 24 * 3600;
const TURN = 'replaying';

export function createLetterStore(db: Connection): LetterStore {
  // What is acknowledged, and what a person was promised, has to outlive the node that it was written on.
  const letters = () => majorityCollection<StoredLetter>(db, deadLettersCollection);
  const turns = () => majorityCollection<Turn>(db, turnsCollection);
  const stillReplaying = ({ _id, replay }: Marked) => ({ _id, state: 'replaying' as const, 'replay.id': replay.id });

  return {
    async prepare() {
      for (const index of INDEXES) await letters().createIndex(index);
      await letters().createIndex({ settledAt: 1 }, { expireAfterSeconds: SETTLED_KEPT_S });
    },

    async record(burial) {
      for (;;) {
        try {
          await letters().updateOne(
            { _id: burial.letter._id, 'failures.id': { $ne: burial.failure.id } },
            recordingOf(burial),
            { upsert: true },
          );
          return 'stored';
        } catch (error) {
          if (!isDuplicateKey(error)) throw error;
          const known = { _id: burial.letter._id, 'failures.id': burial.failure.id };
          if ((await letters().findOne(known, { projection: { _id: 1 } })) !== null) return 'known';
        }
      }
    },

    async mark({ id, by, at, select, ratePerS }) {
      const replay = { id, by, requestedAt: at, ratePerS };
      const chosen = { ...chosenBy(select), ...notObsolete(at), 'replay.id': { $ne: id } };
      await letters().updateMany(chosen, { $set: { state: 'replaying', replay }, $unset: { settledAt: 1 } });
      return letters().countDocuments({ 'replay.id': id });
    },

    async waiting(select, after, limit) {
      const found = await letters()
        .find(
          {
            ...(select === undefined ? { state: 'dead', broken: { $exists: false } } : chosenBy(select)),
            $and: [{ _id: { $gt: after } }],
            orderEndedAt: { $exists: false },
            correlationId: { $exists: true },
            messageId: { $exists: true },
          },
          { projection: { route: 1, correlationId: 1, messageId: 1 } },
        )
        .sort({ _id: 1 })
        .limit(limit)
        .toArray();
      return found.map(({ _id, route, correlationId = '', messageId = '' }) => ({
        id: _id,
        route,
        orderId: correlationId,
        messageId,
      }));
    },

    async orderEnded(ended) {
      for (const { id, at } of ended) await letters().updateOne({ _id: id }, { $set: { orderEndedAt: at } });
    },

    async next({ requests, routes }) {
      const found = await letters().findOne(
        {
          state: 'replaying',
          ...(requests.length > 0 && { 'replay.id': { $nin: [...requests] } }),
          ...(routes.length > 0 && { route: { $nin: [...routes] } }),
        },
        { sort: { 'replay.requestedAt': 1, _id: 1 } },
      );
      return (found as Marked | null) ?? undefined;
    },

    async replayed(letter, at) {
      await letters().updateOne(stillReplaying(letter), {
        $set: { state: 'replayed', 'replay.publishedAt': at, settledAt: at },
        $unset: { 'replay.problem': 1 },
        $inc: { replays: 1 },
      });
    },

    async delayed(letter, problem) {
      if (letter.replay.problem === problem) return;
      await letters().updateOne(stillReplaying(letter), { $set: { 'replay.problem': problem } });
    },

    async givenUp(letter, problem) {
      await letters().updateOne(stillReplaying(letter), { $set: { state: 'dead', 'replay.problem': problem } });
    },

    async discard({ id, letter, by, reason, at }) {
      await letters().updateOne(
        { _id: letter, state: 'dead' },
        { $set: { state: 'discarded', discarded: { id, by, reason, at }, settledAt: at } },
      );
      return letters().countDocuments({ _id: letter, state: 'discarded', 'discarded.id': id });
    },

    async discardMany({ id, by, reason, at, select }) {
      const chosen = { ...matching(select), state: 'dead' as const };
      const discarded = { state: 'discarded' as const, discarded: { id, by, reason, at }, settledAt: at };
      await letters().updateMany(chosen, { $set: discarded });
      return letters().countDocuments({ state: 'discarded', 'discarded.id': id });
    },

    async counts(now) {
      const grouped = async (match: object) => {
        const stages = [
          { $match: match },
          { $group: { _id: { route: '$route', state: '$state' }, count: { $sum: 1 } } },
        ];
        const groups = await letters()
          .aggregate<{ _id: { route: string; state: string }; count: number }>(stages)
          .toArray();
        return groups.map(({ _id, count }) => ({ ..._id, count }));
      };
      const [all, obsolete] = await Promise.all([grouped({}), grouped(obsoleteAt(now))]);
      const without = all.map((one) => {
        const late = obsolete.find(({ route }) => route === one.route)?.count ?? 0;
        return one.state === 'dead' ? { ...one, count: one.count - late } : one;
      });
      return [...without, ...obsolete.map((one) => ({ ...one, state: 'obsolete' }))];
    },

    async takeTurn(holder, now, ms) {
      try {
        const { matchedCount, upsertedCount } = await turns().updateOne(
          { _id: TURN, $or: [{ holder }, { until: { $lt: now } }] },
          { $set: { holder, until: new Date(now.getTime() + ms) } },
          { upsert: true },
        );
        return matchedCount + upsertedCount > 0;
      } catch (error) {
        if (isDuplicateKey(error)) return false;
        throw error;
      }
    },

    async leaveTurn(holder) {
      await turns().deleteOne({ _id: TURN, holder });
    },
  };
}

const INDEXES: readonly mongo.IndexSpecification[] = [
  { lastFailureAt: -1, _id: -1 },
  { state: 1, lastFailureAt: -1, _id: -1 },
  { route: 1, lastFailureAt: -1, _id: -1 },
  { cause: 1, lastFailureAt: -1, _id: -1 },
  { state: 1, 'replay.requestedAt': 1, _id: 1, 'replay.id': 1, route: 1 },
  { 'replay.id': 1 },
  { correlationId: 1 },
];

/** Whatever became of it, it died again; the newest packet is kept. */
function recordingOf({ letter, failure }: Burial) {
  const { _id, ...fields } = letter;
  return {
    $set: { ...fields, state: 'dead' as const },
    $min: { firstFailureAt: failure.at },
    $max: { lastFailureAt: failure.at },
    $inc: { failureCount: 1 },
    $push: { failures: { $each: [failure], $slice: -KEPT_FAILURES } },
    $unset: { settledAt: 1 as const },
  };
}
