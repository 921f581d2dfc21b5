/** `npm run publisher`: prints the URL with which a publisher that is not ours connects to the broker of the running stack. */
import { externals } from '#services/externals.ts';
import { brokerUsers } from '#services/services.ts';
import { readAddresses, stackDir } from '#local/stack/addresses.ts';
import { loadSecrets } from '#local/stack/secrets.ts';
import { brokerUrl } from '#local/stack/service-specs.ts';
import { Trouble } from '#local/stack/trouble.ts';
import { command } from './command.ts';
import { commandLine, commandSpec } from './command-line.ts';

const known = Object.keys(externals);

const spec = commandSpec({
  call: 'npm run publisher --',
  does: "Prints the broker's URL, with the password, for a publisher of services/externals.ts: it may publish to the routes named there, and nothing else.",
  options: { name: { type: 'string', value: 'NAME', means: `which one: ${known.join(', ')}` } },
  examples: [['--name shop', 'AMQP_URL of the publisher in docs/circuit-breaker.md']],
  exits: '1: there is no such publisher, or no stack runs.',
});
const { values } = commandLine(spec);

await command(async () => {
  const { name = '' } = values;
  if (!known.includes(name)) {
    const asked = name === '' ? 'say which publisher: --name' : `there is no publisher ${JSON.stringify(name)}`;
    throw new Trouble(`${asked}; services/externals.ts has ${known.join(', ')}`);
  }
  const { amqp } = readAddresses();
  const vhost = new URL(amqp).pathname.slice(1);
  process.stdout.write(`${brokerUrl(amqp, vhost, name, loadSecrets(stackDir, brokerUsers))}\n`);
});
