import { createChecks } from './checks.ts';
import { createEvents, type Events } from './events.ts';
import { createNetwork, type Network } from './network.ts';
import { createNode, type Node } from './node.ts';
import { createQueue } from './queue.ts';
import type { RaftMessage } from '#services/executor/raft/state.ts';
import { TIMING } from '#services/executor/timing.ts';

export interface Outcome {
  readonly seed: number;
  readonly settings: string;
  readonly violations: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
}

const TROUBLE_MS = 25_000;
const HEAL_MS = 40_000;
/** Of those who vote. */
const DIES_OF_VOTING = 0.1;

/** One history of three or five executors with everything that may go wrong; then all is well, and they have to come to rest. */
export function simulate(seed: number): Outcome {
  const events = createEvents(seed);
  const checks = createChecks(events.now);
  const size = events.chance() < 0.7 ? 3 : 5;
  const members = Array.from({ length: size }, (_, n) => `executor-${n + 1}`);
  const limits = { window: events.between(4, 30), kept: events.between(1, 12), batch: events.between(1, 10) };
  const nodes = new Map<string, Node>();
  const network = createNetwork(events, (message) => nodes.get(message.to)?.deliver(message));
  const queue = createQueue(events, checks);
  const counts: Record<string, number> = {};
  /** A vote that was given is remembered by whoever dies of giving it. */
  const send = (message: RaftMessage): void => {
    network.send(message);
    const isVote = message.kind === 'ask-vote' || (message.kind === 'vote' && message.granted);
    if (!isVote || message.pre || events.now() >= TROUBLE_MS || events.chance() >= DIES_OF_VOTING) return;
    counts['kill after a vote'] = (counts['kill after a vote'] ?? 0) + 1;
    events.at(1, () =>
      troubles['kill and start at once']!({ events, network, node: nodes.get(message.from)!, members }),
    );
  };
  for (const id of members) {
    const config = { ...TIMING, ...limits, id, members };
    nodes.set(id, createNode({ config, events, checks, queue, send }));
  }
  for (const node of nodes.values()) events.at(events.between(1, 500), node.start);
  const enqueue = (): void => {
    queue.enqueue(events.between(1, 4));
    if (events.now() < TROUBLE_MS) events.at(events.between(50, 2500), enqueue);
  };
  events.at(500, enqueue);

  /** Half of what goes wrong hits whoever leads. */
  const target = (): Node => {
    const all = [...nodes.values()];
    const leaders = all.filter((node) => node.state()?.role.kind === 'leader');
    return events.pick(events.chance() < 0.5 && leaders.length > 0 ? leaders : all);
  };
  const trouble = (): void => {
    if (events.now() >= TROUBLE_MS) return;
    const what = events.chance() < 0.25 ? 'heal' : events.pick(Object.keys(troubles));
    counts[what] = (counts[what] ?? 0) + 1;
    troubles[what]?.({ events, network, node: target(), members });
    events.at(events.between(50, 2500), trouble);
  };
  events.at(events.between(3000, 6000), trouble);
  events.run(TROUBLE_MS);

  network.heal();
  for (const node of nodes.values()) {
    node.store(2, 0);
    node.start();
  }
  const rest = (): boolean => events.now() % 50 === 0 && unrest([...nodes.values()], queue.last()).length === 0;
  events.run(TROUBLE_MS + HEAL_MS, rest);
  for (const what of unrest([...nodes.values()], queue.last())) checks.violated(`healed, and ${what}`);
  const { last, refused } = queue;
  return {
    seed,
    settings: `settings ${JSON.stringify({ size, ...limits })}`,
    violations: checks.violations,
    counts: { ...counts, 'entries executed': last(), 'terms led': checks.leaders(), 'late work refused': refused() },
  };
}

interface Target {
  readonly events: Events;
  readonly network: Network;
  readonly node: Node;
  readonly members: readonly string[];
}

const troubles: Readonly<Record<string, (target: Target) => void>> = {
  kill({ events, node }) {
    node.kill();
    events.at(events.between(50, 6000), node.start);
  },
  'kill and start at once'({ events, node }) {
    node.kill();
    events.at(events.between(1, 20), node.start);
  },
  freeze({ events, node }) {
    node.freeze(events.between(500, 9000));
  },
  'cut one off': ({ network, node, members }) =>
    network.cut((one, other) => one === node.id || other === node.id, members),
  'one way in': ({ network, node, members }) => network.cut((_, to) => to === node.id, members),
  'one way out': ({ network, node, members }) => network.cut((from) => from === node.id, members),
  'all from all': ({ network, members }) => network.cut(() => true, members),
  'one link, one way': ({ events, network, node, members }) => {
    const other = events.pick(members);
    network.cut((from, to) => from === node.id && to === other, members);
  },
  heal: ({ network }) => network.heal(),
  'bad network': ({ events, network }) =>
    network.worsen(events.chance() * 0.3, events.chance() * 0.3, events.between(5, 900)),
  'slow store': ({ events, node }) => node.store(events.between(50, 2500), 0),
  'failing store': ({ events, node }) => node.store(20, 0.2 + events.chance() * 0.8),
  'store well again': ({ node }) => node.store(2, 0),
  'clock forward': ({ events, node }) => node.jump(events.between(1, 3_600_000)),
  'clock back': ({ events, node }) => node.jump(-events.between(1, 3_600_000)),
};

/** What is not at rest: one leader, one log, everything executed. */
function unrest(nodes: readonly Node[], last: number): readonly string[] {
  const states = nodes.map((node) => node.state());
  const leaders = states.filter((state) => state?.role.kind === 'leader');
  const ends = new Set(
    states.map((state) => JSON.stringify(state && [state.term, state.commit, state.log.entries.at(-1)])),
  );
  const behind = states.filter((state) => (state?.executed ?? 0) < last);
  return [
    ...(leaders.length === 1 ? [] : [`there are ${leaders.length} leaders`]),
    ...(ends.size === 1 ? [] : [`logs differ: ${[...ends].join(' ')}`]),
    ...(behind.length === 0 ? [] : [`${behind.length} do not know that ${last} entries are executed`]),
  ];
}
