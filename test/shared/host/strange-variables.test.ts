import test from 'ava';
import { strangersIn, passedOn } from '#local/stack/variables.ts';
import { strangeVariables } from '#shared/host/strange-variables.ts';
import { variables } from '#services/services.ts';

const known = ['GATE_CYCLE_MS', 'LOG_LEVEL', 'AMQP_URL', 'REDRIVE_CAP_PER_S', 'HTTP_PORT', 'FAULTS'];
const strange = (...names: string[]): readonly string[] =>
  strangeVariables(Object.fromEntries(names.map((name) => [name, 'secret'])), known);

test('a variable that is misspelt is told with the one that was meant, and without its value', (t) => {
  t.deepEqual(strange('GATE_CICLE_MS'), ['GATE_CICLE_MS is set, but nothing reads it; GATE_CYCLE_MS is a variable']);
  t.deepEqual(strange('LOGLEVEL'), ['LOGLEVEL is set, but nothing reads it; LOG_LEVEL is a variable']);
});

test('a variable without its unit is told with the whole name, also where others begin with that word', (t) => {
  t.deepEqual(strangeVariables({ MESSAGE_TTL: '1' }, ['MESSAGE_TTL_MS', 'LOG_LEVEL']), [
    'MESSAGE_TTL is set, but nothing reads it; MESSAGE_TTL_MS is a variable',
  ]);
  t.deepEqual(strange('LOG', 'HTTP'), []);
});

test('a variable that begins like ours and is none is told', (t) => {
  t.deepEqual(strange('REDRIVE_PAUSE_CAP_MS'), [
    'REDRIVE_PAUSE_CAP_MS is set, but nothing reads it; REDRIVE_CAP_PER_S is a variable',
  ]);
  t.deepEqual(strange('AMQP_SOMETHING_ELSE_ENTIRELY'), ['AMQP_SOMETHING_ELSE_ENTIRELY is set, but nothing reads it']);
});

test('what is known, also as a file, and what belongs to others is not told', (t) => {
  t.deepEqual(strange(...known, 'AMQP_URL_FILE', 'HTTP_PROXY', 'LOG_DIR', 'PATH', 'HOME', 'TERM', 'npm_config_x'), []);
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith('SWITCHYARD_TEST_'));
  t.deepEqual(strangersIn(Object.fromEntries(others)), [], 'those of this machine');
});

test('npm start passes on what somebody reads, but for what the stack decides', (t) => {
  const environment = { GATE_CYCLE_MS: '1', WAREHOUSE_5XX: '1/2', MONGO_URL: 'x', TOKEN_KEYS: 'x', GATE_CICLE_MS: '1' };
  t.deepEqual(passedOn(environment), { GATE_CYCLE_MS: '1', WAREHOUSE_5XX: '1/2' });
  t.true(variables.includes('TOKEN_KEYS'));
});
