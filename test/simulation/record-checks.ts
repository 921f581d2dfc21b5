/** The invariants that need to have seen everything: each commit, each confirmed message. */
import { askedSteps } from '#shared/saga/definition.ts';
import { definitions } from '#services/saga/place-order-versions.ts';
import { routeTable } from '#services/services.ts';
import { UNWANTED_TOP_UPS } from './wallet-traffic.ts';
import { REFUSAL } from './refusing.ts';
import { CLOCK_ERROR_MS } from './settings.ts';
import type { SimulatedTown } from './town.ts';

/** What is wrong, each with the name of its invariant. */
export function inTheRecord(town: SimulatedTown): readonly string[] {
  return [serial, stale, late, mirrored, lost, pastTheGate, inOrder, atOnce, unwanted].flatMap((check) => check(town));
}

/** Those that commands and what becomes of them are in. */
export function queuesOf({ broker }: SimulatedTown): readonly string[] {
  return broker.queues().filter((queue) => /\.(\d{3}|delay|expired|parked)$/.test(queue));
}

/** I-12: versions go up without a gap, and no two workers had a key at the same time. */
function serial({ record, settings }: SimulatedTown): readonly string[] {
  const wrong: string[] = [];
  const skewMs = settings.limits.skewMs ?? 30_000;
  // An undo that is sent again is to be remembered longer than the first one was, also when nobody learned that the first one arrived.
  const knownUntil = (id: string): number => (record.rememberedUntil.get(id) ?? Infinity) + skewMs - 2 * CLOCK_ERROR_MS;
  const versions = new Map<string, number>();
  for (const { key, over, version } of record.writes) {
    if (over !== (versions.get(key) ?? 0))
      wrong.push(`I-12: ${key} was written over version ${over}, it had ${versions.get(key)}`);
    versions.set(key, version);
  }
  const committed = record.commits.filter(({ outcome }) => outcome === 'committed');
  for (const [key, commits] of Map.groupBy(committed, ({ service, key: of }) => `${service}/${of}`)) {
    const inOrder = commits.toSorted((a, b) => a.version - b.version);
    for (const [index, commit] of inOrder.entries()) {
      const before = inOrder[index - 1];
      if (before === undefined) continue;
      if (commit.over < before.version) wrong.push(`I-12: ${key} had two writes over version ${commit.over}`);
    }
    const applied = new Set<string>();
    for (const { messages, startedAt } of inOrder) {
      for (const { id } of messages) {
        const isForgotten = startedAt > knownUntil(id);
        if (applied.has(id) && !isForgotten && !id.startsWith('engine.wake'))
          wrong.push(`I-12: ${key} applied ${id} twice`);
        applied.add(id);
      }
    }
  }
  return wrong;
}

/** OP-10: what a worker knows of a key does not outlive the channel that brought it. A key that came by two of them is known by either. */
function stale({ record, settings }: SimulatedTown): readonly string[] {
  if (settings.ringChanges) return [];
  return record.commits
    .filter(({ startedAt, registeredAt, readAt }) => startedAt - CLOCK_ERROR_MS > registeredAt && readAt < registeredAt)
    .map(({ worker, key }) => `I-12: ${worker} worked on what it had known of ${key} before it was registered again`);
}

/** Nothing that comes back after its deadline acts. */
function late({ record }: SimulatedTown): readonly string[] {
  const deadlines = new Map(record.confirmed.map(({ id, deadline }) => [id, deadline ?? Infinity]));
  return record.commits.flatMap(({ messages, startedAt, worker }) =>
    messages
      .filter(({ id }) => startedAt > (deadlines.get(id) ?? Infinity))
      .map(({ id }) => `I-11: ${worker} handled ${id} after its deadline`),
  );
}

/** I-9: the newest step is undone first, and the next one only when that is done. */
function mirrored({ sagas }: SimulatedTown): readonly string[] {
  return [...sagas.documents.values()].flatMap(({ key, state }) => {
    if (state?.phase !== 'ended') return [];
    const undone = state.steps
      .flatMap(({ name, undo }) => (undo === undefined ? [] : [{ name, ...undo }]))
      .toReversed();
    return undone.flatMap(({ name, sentAt }, index) => {
      const before = undone[index - 1];
      return before === undefined || sentAt >= (before.answeredAt ?? Infinity)
        ? []
        : [`I-9: ${key} undid ${name} before ${before.name}`];
    });
  });
}

/** I-15: what was confirmed was handled, or is kept somewhere; what had a deadline may have come too late. */
function lost(town: SimulatedTown): readonly string[] {
  const kept = new Set(
    routeTable.routes
      .flatMap((route) => [`${route}.dead`, `${route}.parked`, `${route}.expired`])
      .flatMap((queue) => town.broker.queue(queue).ready.map(({ messageId }) => messageId)),
  );
  const open = queuesOf(town).filter((queue) => town.broker.queue(queue).ready.length > 0);
  const gone = new Set(
    town.record.confirmed
      .filter(({ exchange, deadline, id, type }) => {
        const [, name = ''] = /^(.*)\.(?:in|hash)$/.exec(exchange) ?? [];
        if (name === '' || deadline !== undefined || type.startsWith('engine.')) return false;
        const routes = routeTable.audiences?.[name] ?? [name];
        return !kept.has(id) && !routes.every((route) => town.record.handled.has(`${route} ${id}`));
      })
      .map(({ exchange, id }) => `I-15: ${id} was confirmed by ${exchange} and is neither handled nor kept`),
  );
  return [...gone, ...open.map((queue) => `I-15: ${queue} is not empty`)];
}

/** Forward commands go through the gate, everything else past it. */
function pastTheGate({ record }: SimulatedTown): readonly string[] {
  const forward = new Set(definitions.flatMap((one) => askedSteps(one).map(({ command }) => command.name)));
  const wrong = record.confirmed.filter(({ exchange, type }) => forward.has(type) && exchange.endsWith('.hash'));
  return [...new Set(wrong.map(({ id, exchange }) => `I-14: ${id} went to ${exchange}, past the gate`))];
}

/**
 * OP-2: what entered a key's partition once and did not expire is handled in that order. Of a key that nobody knows yet nobody can know
 * that its first message waits in another partition.
 */
function inOrder({ record }: SimulatedTown): readonly string[] {
  return [...record.applied].flatMap(([service, handled]) => {
    const slash = service.indexOf('/');
    const [route, key] = [service.slice(0, slash), service.slice(slash + 1)];
    const queued = (record.queued.get(key) ?? []).filter((one) => one.route === route);
    const times = Map.groupBy(queued, ({ id }) => id);
    const place = new Map(queued.map(({ id }, index) => [id, index]));
    const queueOf = (id: string): string => times.get(id)![0]!.queue;
    const strict = handled.filter(
      (id) => !id.startsWith('engine.wake') && times.get(id)?.length === 1 && !record.expired.has(id),
    );
    return strict.flatMap((id, index) => {
      const before = strict[index - 1];
      const isFirstThere = strict.findIndex((other) => queueOf(other) === queueOf(id)) === index;
      return before === undefined || place.get(before)! < place.get(id)! || isFirstThere
        ? []
        : [`OP-2: ${service} handled ${before} before ${id}, which was queued first`];
    });
  });
}

/** I-22: what leads to a document that the database refuses is a dead letter in the end, and because of that. */
function unwanted({ broker, settings }: SimulatedTown): readonly string[] {
  if (!settings.refusesOne) return [];
  const blamed = broker
    .queue('wallet.dead')
    .ready.filter(({ headers }) => String(headers['dead-reason']).includes(REFUSAL));
  const dead = new Set(blamed.map(({ messageId }) => messageId));
  return UNWANTED_TOP_UPS.filter((id) => !dead.has(id)).map(
    (id) => `I-22: ${id} cannot be stored and is no dead letter`,
  );
}

/** What was seen to be wrong when it happened. */
function atOnce({ record }: SimulatedTown): readonly string[] {
  return [...new Set(record.wrong)];
}
