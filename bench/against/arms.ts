import type { PeerTask } from './contestant.ts';
import { installPeers } from './package.ts';
import { type Server, startPostgres, startRedis, startRestate } from './servers.ts';
import { type SagaShape, shapeOfSaga } from './shape.ts';
import type { Arm, Turn } from '#bench/arm.ts';
import { inChild } from '#bench/child.ts';
import type { World } from '#bench/world.ts';

interface Peer {
  readonly name: string;
  readonly title: string;
  readonly file: string;
  /** Absent: the broker of the benchmark, a vhost of its own. */
  readonly server?: (world: World) => Promise<Server>;
}

const WARM_UP_S = 2;

const peers: readonly Peer[] = [
  { name: 'hand-written', title: 'by hand on amqp-connection-manager, state in memory', file: 'hand-written.ts' },
  { name: 'rabbitmq-client', title: 'by hand on rabbitmq-client, state in memory', file: 'rabbitmq-client.ts' },
  {
    name: 'bullmq-always',
    title: 'BullMQ, Redis with fsync before each answer',
    file: 'bullmq.ts',
    server: (world) => startRedis(world, 'always'),
  },
  {
    name: 'bullmq-everysec',
    title: 'BullMQ, Redis with fsync once a second',
    file: 'bullmq.ts',
    server: (world) => startRedis(world, 'everysec'),
  },
  { name: 'restate', title: 'Restate', file: 'restate.ts', server: startRestate },
  { name: 'dbos', title: 'DBOS on PostgreSQL', file: 'dbos.ts', server: startPostgres },
  { name: 'graphile', title: 'graphile-worker on PostgreSQL', file: 'graphile.ts', server: startPostgres },
];

let shape: Promise<SagaShape> | undefined;

/** Other ways to run the same saga, each with the settings that suit it best. */
export const peerArms: readonly Arm[] = peers.map(({ name, title, file, server }): Arm => ({
  name,
  title,
  group: 'peers',
  async run(turn) {
    await installPeers(turn.world.say);
    if (server === undefined) return run(turn, file, await onBroker(turn, name));
    await using started = await server(turn.world);
    return await run(turn, file, { url: started.url, serverPid: started.pid });
  },
}));

async function onBroker({ world, round }: Turn, name: string): Promise<Pick<PeerTask, 'url' | 'serverPid'>> {
  const broker = await world.broker();
  return { url: await world.vhost(`${name}-${round}`), serverPid: broker.process?.pid() };
}

async function run({ world, settings }: Turn, file: string, server: Pick<PeerTask, 'url' | 'serverPid'>) {
  const { seconds } = settings;
  const several = settings.inFlight.filter((one) => one > 1);
  const inFlight = several.length > 0 ? several : settings.inFlight;
  const task: PeerTask = {
    shape: await (shape ??= shapeOfSaga()),
    inFlight,
    seconds,
    warmUpSeconds: WARM_UP_S,
    ...server,
  };
  return inChild(world, `bench/against/${file}`, task);
}
