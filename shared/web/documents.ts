import { type Endpoint, endpoint, ok, type Tag } from './endpoint.ts';
import { openApiOf } from './openapi.ts';
import { problemTypes } from './problem-types.ts';
import { Problem } from './problems.ts';
import { document } from './shapes.ts';

const ABOUT: Tag = { name: 'About', description: 'What there is to ask, and what errors mean. For anyone.' };

/** These endpoints, and those that say what there is: the OpenAPI document of the table, the types of problems. */
export function documented(api: readonly Endpoint[]): readonly Endpoint[] {
  const openApi = openApiOf(api);
  return [
    ...api,
    endpoint('GET', '/openapi.json', {
      id: 'getDocument',
      tag: ABOUT,
      summary: 'The OpenAPI 3.1 document of this table.',
      access: 'public',
      answers: { 200: document.meta({ examples: [{ openapi: '3.1.0', info: { title: 'Switchyard' }, paths: {} }] }) },
      handle: async () => ok(openApi),
    }),
    endpoint('GET', '/problems', {
      id: 'listProblems',
      tag: ABOUT,
      summary: 'Every problem type.',
      access: 'public',
      answers: { 200: document.meta({ examples: [{ items: [problemType('not-found')] }] }) },
      handle: async () => ok({ items: Object.keys(problemTypes).map(problemType) }),
    }),
    endpoint('GET', '/problems/:slug', {
      id: 'getProblem',
      tag: ABOUT,
      summary: 'What a problem type means.',
      params: { slug: 'The last part of a `type`.' },
      access: 'public',
      answers: { 200: document.meta({ examples: [problemType('not-found')] }) },
      handle: async ({ params }) => ok(problemType(params['slug'] ?? '')),
    }),
  ];
}

function problemType(slug: string): object {
  if (!Object.hasOwn(problemTypes, slug)) throw new Problem('not-found', 'there is no such problem type');
  return { type: `/problems/${slug}`, ...problemTypes[slug as keyof typeof problemTypes] };
}
