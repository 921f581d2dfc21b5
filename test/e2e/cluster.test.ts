import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { patientManagement } from '#test/support/management.ts';
import { partitionQueues } from '#shared/bus/topology/topology.ts';
import { systemClock } from '#shared/clock.ts';
import type { HistoryLine } from '#shared/host/history-file.ts';
import { routeTable } from '#services/services.ts';
import { testOnOwnNode } from '#test/support/own-node.ts';
import { createShop } from '#test/support/place.ts';
import { holdAll, readRest } from '#test/support/rest.ts';
import { startStack } from '#test/support/stack.ts';
import { createTraffic } from '#test/support/traffic.ts';
import { patience, tail, until } from '#test/support/until.ts';

const RATE_PER_S = 5;
const LOAD_S = 70;
/** Before the node is killed, and from its death until it is started again. */
const CALM_MS = 15_000;
const DOWN_MS = 20_000;
/** Until the first orders have ended. */
const SETTLED_MS = 4000;
const BACK_WITHIN_MS = 15_000;
const WINDOW_MS = 3000;

interface Run {
  readonly service: string;
  readonly id: string;
  readonly type: string;
  readonly committedAt: number;
}

/** Every handler run that was committed, from all processes. */
const runsIn = (file: string): readonly Run[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as HistoryLine)
    .filter(({ outcome }) => outcome === 'committed')
    .flatMap(({ service, committedAt, messages }) =>
      messages.map(({ id, type }) => ({ service, id, type, committedAt })),
    );

/** How many ended in each second from `start` to `end`. */
function perSecond(ends: readonly number[], start: number, end: number): readonly number[] {
  return Array.from(
    { length: Math.floor((end - start) / 1000) },
    (_, second) => ends.filter((at) => Math.floor((at - start) / 1000) === second).length,
  );
}

/** How many ended in three seconds in a row, for each such window. */
const windows = (ends: readonly number[], since: number, until: number): readonly number[] =>
  perSecond(ends, since, until)
    .map((_, second, all) => all.slice(second, second + 3))
    .filter(({ length }) => length === 3)
    .map((counts) => counts.reduce((sum, count) => sum + count, 0));

/**
 * For how long, in ms, three seconds in a row had fewer ends than that, at the longest: what begins with `since` is counted from there
 * on, another time that is short of ends, as on a busy machine, is as long as it lasts. 0 when there were always enough.
 */
function longestLackMs(ends: readonly number[], enough: number, since: number, until: number): number {
  let longest = 0;
  let began: number | undefined;
  for (let at = 0; since + at + WINDOW_MS <= until; at += 250) {
    const count = ends.filter((end) => end >= since + at && end < since + at + WINDOW_MS).length;
    if (count >= enough) began = undefined;
    else longest = Math.max(longest, at + 250 - (began ??= at < WINDOW_MS ? 0 : at));
  }
  return longest;
}

testOnOwnNode(
  'one of three broker nodes killed under load and brought back: nothing accepted is lost, nothing is handled twice',
  async (t) => {
    const historyFile = join(tmpdir(), `switchyard-cluster-${systemClock.id()}.jsonl`);
    t.teardown(() => rmSync(historyFile, { force: true }));
    const beganAt = systemClock.now();
    await using stack = await startStack({
      cluster: true,
      ownDatabase: true,
      env: { HISTORY_FILE: historyFile, RESEND_BASE_MS: '1000' },
    });
    t.log(`three nodes and the services ready after ${systemClock.now() - beganAt} ms`);
    const api = patientManagement(stack.managementUrl);
    const membersOf = async (queue: string, field: 'members' | 'online'): Promise<number> =>
      (await api.get<Record<string, readonly string[]>>(`/queues/${stack.vhost}/${queue}`))?.[field]?.length ?? 0;
    const queues = routeTable.routes.flatMap((route) => [...partitionQueues(routeTable, route), `${route}.parked`]);
    const counts = async (field: 'members' | 'online') =>
      new Set(await Promise.all(queues.map((queue) => membersOf(queue, field))));
    t.deepEqual(await counts('members'), new Set([3]), 'every quorum queue is on all three nodes');

    const shop = createShop(stack);
    const traffic = createTraffic(shop, stack);
    const victim = stack.brokerNodes[1];
    if (victim === undefined) throw new Error('no second node');
    const load = traffic.stream(RATE_PER_S * LOAD_S, RATE_PER_S);
    load.catch(() => {}); // awaited below
    const loadAt = systemClock.now();
    await systemClock.sleep(CALM_MS);
    const killedAt = systemClock.now();
    const pid = victim.serverPid();
    t.truthy(pid);
    process.kill(pid ?? 0, 'SIGKILL');
    await victim.process.stop();
    await systemClock.sleep(killedAt + DOWN_MS - systemClock.now());
    const startedAt = systemClock.now();
    victim.process.start();
    await until(
      'the node is back with all its queues',
      () => counts('online').catch(() => new Set([0])),
      (online) => online.size === 1 && online.has(3),
      { limitMs: 180_000, show: () => tail(stack.logs(), 'broker') },
    );
    const backAt = systemClock.now();
    await load;
    const endedAt = loadAt + LOAD_S * 1000;
    await traffic.allEnded(120_000);

    const runs = runsIn(historyFile);
    const ends = runs
      .filter(({ service, type }) => service === 'saga' && /order\.(dispatch-recorded|failed)/.test(type))
      .map(({ committedAt }) => committedAt);
    t.log(`ended per second: ${perSecond(ends, loadAt, endedAt).join(' ')}`);
    t.log(
      `killed in second ${(killedAt - loadAt) / 1000}, started ${(startedAt - loadAt) / 1000}, back ${(backAt - loadAt) / 1000}`,
    );
    // What this machine manages while nothing happens; the orders that come, unless it is busy.
    const calm = windows(ends, loadAt + SETTLED_MS, killedAt).toSorted((a, b) => a - b);
    const usual = calm[calm.length >> 1] ?? 0;
    t.true(usual > 0);
    const enough = Math.min(usual, RATE_PER_S * 3) * 0.8;
    const afterKillMs = longestLackMs(ends, enough, killedAt, startedAt);
    const afterStartMs = longestLackMs(ends, enough, startedAt, endedAt);
    t.log(`less was done for ${afterKillMs} ms after the kill, for ${afterStartMs} ms after the start`);
    // A machine with more than three times as much to do as it has cores for gets longer.
    const withinMs = BACK_WITHIN_MS * Math.max(1, patience(1) / 3);
    t.true(afterKillMs <= withinMs, `${afterKillMs} ms`);
    t.true(afterStartMs <= withinMs, `${afterStartMs} ms`);

    t.is(traffic.accepted.size, RATE_PER_S * LOAD_S);
    for (const orderId of traffic.accepted) t.is((await shop.order(orderId)).id, orderId);
    const twice = [...Map.groupBy(runs, ({ service, id }) => `${service} ${id}`)].filter(([, of]) => of.length > 1);
    t.deepEqual(
      twice.map(([id]) => id),
      [],
      'handled twice',
    );
    t.true(runs.length > traffic.accepted.size * 10, `${runs.length} runs are recorded`);
    holdAll(t, await readRest(shop, traffic, false));
  },
);
