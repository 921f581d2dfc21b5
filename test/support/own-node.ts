import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import { startBroker } from '#local/stack/broker.ts';
import { anyFreePort } from '#local/stack/ports.ts';
import { systemClock } from '#shared/clock.ts';

export interface OwnNode {
  readonly amqpUrl: string;
  readonly managementUrl: string;
  /** `rabbitmqctl` on that node. */
  ctl(...args: readonly string[]): Promise<unknown>;
  /** Before the node is stopped, latest first. */
  onStop(stop: () => Promise<void>): void;
}

/** A private RabbitMQ node with the configuration of `npm start`, for tests that restart it or change its settings. */
export async function ownNode(t: ExecutionContext): Promise<OwnNode> {
  const dir = mkdtempSync(join(tmpdir(), 'node-'));
  const stops: (() => Promise<void>)[] = [];
  t.teardown(async () => {
    for (const stop of stops.toReversed()) await stop();
    rmSync(dir, { recursive: true, force: true });
  });
  const { amqpUrl, managementUrl } = await startBroker({
    dir,
    recordDir: join(dir, 'run'),
    ports: { amqp: await anyFreePort(), management: await anyFreePort() },
    password: systemClock.id(),
    say: () => {},
    tell: () => {},
    onGivenUp: (_, reason) => t.fail(reason),
    onStop: (stop) => void stops.push(stop),
    disposable: true,
  });
  return {
    amqpUrl,
    managementUrl,
    ctl: (...args) => promisify(execFile)(join(dir, 'broker', 'rabbitmqctl'), args),
    onStop: (stop) => void stops.push(stop),
  };
}
