import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import { findRabbitServer } from '#local/stack/broker-node.ts';
import { startBroker } from '#local/stack/broker.ts';
import { anyFreePort } from '#local/stack/ports.ts';
import { systemClock } from '#shared/clock.ts';
import { testIf } from './test-if.ts';

export interface OwnNode {
  readonly amqpUrl: string;
  readonly managementUrl: string;
  /** `rabbitmqctl` on that node. */
  ctl(...args: readonly string[]): Promise<unknown>;
  /** Before the node is stopped, latest first. */
  onStop(stop: () => Promise<void>): void;
}

/** `test` where a private node can be started: not where every test is to run on the broker of `RABBITMQ_URL`. */
export const testOnOwnNode =
  process.env['RABBITMQ_URL'] === undefined
    ? testIf(findRabbitServer() !== undefined, 'no rabbitmq-server on the PATH')
    : testIf(false, 'RABBITMQ_URL names the broker to run on, and this needs one of its own');

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
