import test from 'ava';
import { askedTable } from '#test/support/question-world.ts';
import { publishRightOf, userOf } from '#shared/bus/topology/rights.ts';
import { topologyOf, type RouteTable } from '#shared/bus/topology/topology.ts';
import { defineApi } from '#shared/web/api.ts';
import { tableOf } from '#shared/host/service.ts';

const user = (service: string) => userOf('v', service, askedTable.services[service]!, askedTable.routes);
const may = (expression: string, name: string): boolean => new RegExp(expression).test(name);

test('who may ask whom is data: nobody else may publish questions, or hear answers', (t) => {
  t.true(publishRightOf(askedTable, 'door')('sums.ask', ''));
  t.false(publishRightOf(askedTable, 'other')('sums.ask', ''));
  t.false(publishRightOf(askedTable, 'door')('sums.asked', ''));
  t.true(may(user('door').read, 'answers'));
  t.false(may(user('other').read, 'answers'));
  t.false(may(user('sums').read, 'answers'));
});

test('only the owner takes questions and gives answers, and nobody but the breaker can bind their gate', (t) => {
  t.true(may(user('sums').read, 'sums.ask.000'));
  t.true(may(user('sums').write, 'answers'));
  for (const service of ['other', 'door']) {
    t.false(may(user(service).read, 'sums.ask.000'));
    t.false(may(user(service).write, 'answers'));
  }
  for (const service of ['sums', 'other', 'door']) t.false(may(user(service).read, 'sums.ask'));
});

test('a route that answers no questions has no queue of them', (t) => {
  const names = (table: RouteTable): readonly string[] =>
    topologyOf(table, { ttlMs: 1000, delayMs: 100 }, 'v').queues.map(({ name }) => name);
  t.deepEqual(
    names(askedTable).filter((name) => name.includes('.ask')),
    ['sums.ask.000', 'sums.ask.001', 'sums.ask.002', 'sums.ask.003'],
  );
});

test('to ask a route that answers no questions is a mistake in the table', (t) => {
  const services = { ...askedTable.services, door: { questions: ['other'] } };
  t.throws(() => topologyOf({ ...askedTable, services }, { ttlMs: 1000, delayMs: 100 }, 'v'), {
    message: 'door asks other, which answers no questions',
  });
});

test('a door may ask what the services behind it ask', (t) => {
  const api = defineApi({ view: () => undefined, endpoints: () => [], questions: ['sums'] });
  const table = tableOf(
    [
      { name: 'sums', rights: { route: 'sums', answersQuestions: true } },
      { name: 'tills', rights: { route: 'tills' }, api },
      { name: 'gateway', rights: { fronts: true } },
    ],
    4,
  );
  t.deepEqual(table.services['gateway']?.questions, ['sums']);
  t.is(table.services['tills']?.questions, undefined);
});
