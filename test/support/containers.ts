import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { BROKER_IMAGE, DATABASE_IMAGE, engineAnswers, hasImage } from '#local/stack/docker.ts';
import { markOf } from '#local/stack/processes.ts';

const run = promisify(execFile);

export interface ContainerServers {
  readonly description: string;
  readonly amqpUrl: string;
  readonly managementUrl: string;
  readonly mongoUrl: string;
  stop(): Promise<void>;
}

/** Holds the process id of the test run. */
const LABEL = 'switchyard.test-run';

/**
 * RabbitMQ and MongoDB by testcontainers; undefined when no Docker engine answers or it lacks one of the images (nothing
 * is pulled). `SWITCHYARD_TEST_ON=local` does without in any case.
 */
export async function startContainers(): Promise<ContainerServers | undefined> {
  if (process.env['SWITCHYARD_TEST_ON'] === 'local' || !(await engineAnswers())) return undefined;
  if (!(await hasImage(BROKER_IMAGE)) || !(await hasImage(DATABASE_IMAGE))) return undefined;
  // The reaper is one more image that may not be there; `stop` and `removeLeftOver` do its work.
  process.env['TESTCONTAINERS_RYUK_DISABLED'] ??= 'true';
  await removeLeftOver();
  const { GenericContainer, Wait } = await import('testcontainers');
  const label = { [LABEL]: String(process.pid) };
  const [user, password] = ['switchyard-admin', crypto.randomUUID()];
  const [broker, database] = await Promise.all([
    new GenericContainer(BROKER_IMAGE)
      .withLabels(label)
      .withEnvironment({ RABBITMQ_DEFAULT_USER: user, RABBITMQ_DEFAULT_PASS: password })
      .withCopyFilesToContainer([
        { source: 'rabbitmq/advanced.config', target: '/etc/rabbitmq/advanced.config' },
        { source: 'rabbitmq/enabled_plugins', target: '/etc/rabbitmq/enabled_plugins' },
      ])
      .withExposedPorts(5672, 15_672)
      .withWaitStrategy(Wait.forHttp('/api/overview', 15_672).withBasicCredentials(user, password))
      .withStartupTimeout(120_000)
      .start(),
    new GenericContainer(DATABASE_IMAGE).withLabels(label).withExposedPorts(27_017).withStartupTimeout(120_000).start(),
  ]);
  return {
    description: `testcontainers: ${BROKER_IMAGE}, ${DATABASE_IMAGE}`,
    amqpUrl: `amqp://${user}:${password}@${broker.getHost()}:${broker.getMappedPort(5672)}`,
    managementUrl: `http://${user}:${password}@${broker.getHost()}:${broker.getMappedPort(15_672)}`,
    mongoUrl: `mongodb://${database.getHost()}:${database.getMappedPort(27_017)}`,
    stop: async () => void (await Promise.all([broker.stop(), database.stop()])),
  };
}

/** Removes the containers of test runs that were killed. */
async function removeLeftOver(): Promise<void> {
  const format = `{{.ID}} {{.Label "${LABEL}"}}`;
  const { stdout } = await run('docker', ['ps', '--all', '--filter', `label=${LABEL}`, '--format', format]);
  const left = stdout.split('\n').flatMap((line) => {
    const [id, pid] = line.split(' ');
    return id && !markOf(Number(pid)) ? [id] : [];
  });
  if (left.length > 0) await run('docker', ['rm', '--force', '--volumes', ...left]);
}
