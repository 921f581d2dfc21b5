/** A breaker in a process of its own, to be frozen. Says each point of a transition, waits there, and says where it stands. */
import { startCircuitBreaker } from '#services/circuit-breaker/circuit-breaker.ts';
import { connectAmqp } from '#shared/bus/amqp/amqp-bus.ts';
import { askedRoutes } from '#shared/bus/topology/asked-routes.ts';
import { systemClock as clock } from '#shared/clock.ts';
import { silentLog as log } from '#shared/log.ts';
import { policy, table } from './world.ts';

const [url = '', name = ''] = process.argv.slice(2);
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const bus = connectAmqp({ url, name, clock, log, heartbeatS: 1 });
const circuit = await startCircuitBreaker({
  bus,
  clock,
  log,
  name,
  policies: new Map(table.routes.map((route) => [route, policy])),
  asked: askedRoutes(table),
  maxRedrives: 2,
  redrive: { startPerS: 20, capPerS: 100 },
  async onPoint(point, route, { transition }) {
    if (transition === undefined || route !== 'payment') return;
    say(`${point} ${transition.from} ${transition.to}`);
    if (point === 'stored') await clock.sleep(400);
  },
});
let standing: string | undefined;
for (;;) {
  if (circuit.standing !== standing) say(`standing ${circuit.standing}`);
  standing = circuit.standing;
  await clock.sleep(20);
}
