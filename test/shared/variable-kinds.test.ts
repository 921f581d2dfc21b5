/** What somebody reads who set a variable wrongly. */
import test from 'ava';
import { services, system } from '#services/services.ts';
import { ConfigError } from '#shared/errors.ts';
import { readConfig } from '#shared/host/config.ts';
import { address, anyNumber, anyNumberOr, fraction, oneOf, wholeNumber } from '#shared/variable-kinds.ts';

const kinds = {
  PORT: wholeNumber(0, 65_535),
  TIMES: wholeNumber(1),
  RATE: anyNumber(0.1, 2000),
  DAYS: anyNumberOr(0, 'never', 1),
  SHARE: fraction(),
  SWITCH: oneOf(['on', 'off']),
  LEVEL: oneOf(['debug', 'info', 'warn']),
  SERVER: address('http', 'https'),
  DATABASE: address('mongodb', 'mongodb+srv'),
};

const readable: readonly [keyof typeof kinds, string, unknown][] = [
  ['PORT', '0', 0],
  ['PORT', ' 65535 ', 65_535],
  ['TIMES', '1e4', 10_000],
  ['RATE', '0.5', 0.5],
  ['DAYS', '0', 0],
  ['DAYS', '1.5', 1.5],
  ['SHARE', '0/1', { numerator: 0, denominator: 1 }],
  ['SHARE', '3/10', { numerator: 3, denominator: 10 }],
  ['SWITCH', 'on', 'on'],
  ['SERVER', 'https://example.org/a', 'https://example.org/a'],
  ['DATABASE', 'mongodb://u:p@one:27017,two:27017/shop', 'mongodb://u:p@one:27017,two:27017/shop'],
];

for (const [name, text, value] of readable)
  test(`${name}=${text} is read`, (t) => {
    t.deepEqual(readConfig({ [name]: kinds[name] }, { [name]: text }), { [name]: value });
  });

const wrong: readonly [keyof typeof kinds, string, string][] = [
  ['PORT', 'abc', 'PORT: must be a whole number from 0 to 65535, is "abc"'],
  ['PORT', '65536', 'PORT: must be a whole number from 0 to 65535, is "65536"'],
  ['PORT', '-1', 'PORT: must be a whole number from 0 to 65535, is "-1"'],
  ['PORT', '80.5', 'PORT: must be a whole number from 0 to 65535, is "80.5"'],
  ['PORT', '0x50', 'PORT: must be a whole number from 0 to 65535, is "0x50"'],
  ['TIMES', '0', 'TIMES: must be a whole number of 1 or more, is "0"'],
  ['TIMES', '9007199254740993', 'TIMES: must be a whole number of 1 or more, is "9007199254740993"'],
  ['TIMES', 'Infinity', 'TIMES: must be a whole number of 1 or more, is "Infinity"'],
  ['TIMES', '10 s', 'TIMES: must be a whole number of 1 or more, is "10 s"'],
  ['TIMES', ' ', 'TIMES: must be a whole number of 1 or more, is " "'],
  ['RATE', '0', 'RATE: must be a number from 0.1 to 2000, is "0"'],
  ['RATE', '1,5', 'RATE: must be a number from 0.1 to 2000, is "1,5"'],
  ['DAYS', '0.5', 'DAYS: must be 0 (never) or a number of 1 or more, is "0.5"'],
  ['SHARE', '0.1', 'SHARE: must be a fraction from 0/1 to 1/1, as 1/10, is "0.1"'],
  ['SHARE', '3/2', 'SHARE: must be a fraction from 0/1 to 1/1, as 1/10, is "3/2"'],
  ['SHARE', '1/0', 'SHARE: must be a fraction from 0/1 to 1/1, as 1/10, is "1/0"'],
  ['SWITCH', 'yes', 'SWITCH: must be on or off, is "yes"'],
  ['LEVEL', 'loud', 'LEVEL: must be debug, info or warn, is "loud"'],
  // What may be a secret is never told.
  ['PORT', 'amqp://u:secret@h', 'PORT: must be a whole number from 0 to 65535'],
  ['SWITCH', 'k1:0123456789', 'SWITCH: must be on or off'],
  ['SWITCH', 'a'.repeat(32), 'SWITCH: must be on or off'],
  ['SERVER', 'example.org', 'SERVER: must be an address that begins with http:// or https://'],
  ['SERVER', 'ftp://u:secret@h', 'SERVER: must be an address that begins with http:// or https://'],
  ['SERVER', 'http:example', 'SERVER: must be an address that begins with http:// or https://'],
  ['DATABASE', 'http://h/x', 'DATABASE: must be an address that begins with mongodb:// or mongodb+srv://'],
];

for (const [name, text, sentence] of wrong)
  test(`${name}=${text} is refused: ${sentence}`, (t) => {
    const error = t.throws(() => readConfig({ [name]: kinds[name] }, { [name]: text }), { instanceOf: ConfigError });
    t.deepEqual(error.problems, [sentence]);
  });

/** How the validator speaks where nobody wrote a sentence. */
const RAW = /Invalid|expected .* received|Too (big|small)|Unrecognized|\bNaN\b/;
const strange = [
  'abc',
  '-1',
  '0',
  '1.5',
  '1e400',
  '{}',
  '[]',
  '{"order": 5}',
  '{"order": {"ttl": 5}}',
  '://',
  '💥',
  ' ',
];

for (const service of services)
  test(`whatever is wrong with a variable of ${service.name}, people are told what it must be`, (t) => {
    for (const value of strange) {
      const environment = Object.fromEntries(service.variables.map((name) => [name, value]));
      const error = t.throws(() => service.check(environment, system.table), { instanceOf: ConfigError }, value);
      for (const problem of error?.problems ?? []) {
        t.notRegex(problem, RAW);
        t.regex(problem, /must be|must have|must not|is not|are needed|at least|no key|names the route/, problem);
      }
    }
  });
