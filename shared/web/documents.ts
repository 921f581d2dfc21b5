import { type Endpoint, endpoint, ok } from './endpoint.ts';
import { openApiOf } from './openapi.ts';
import { Problem, problemTypes } from './problems.ts';
import { document } from './shapes.ts';

/** These endpoints, and those that say what there is: the OpenAPI document of the table, the types of problems. */
export function documented(api: readonly Endpoint[]): readonly Endpoint[] {
  const openApi = openApiOf(api);
  return [
    ...api,
    endpoint('GET', '/openapi.json', {
      summary: 'The OpenAPI 3.1 document of this table.',
      access: 'public',
      answers: { 200: document },
      handle: async () => ok(openApi),
    }),
    endpoint('GET', '/problems', {
      summary: 'Every problem type.',
      access: 'public',
      answers: { 200: document },
      handle: async () => ok({ items: Object.keys(problemTypes).map(problemType) }),
    }),
    endpoint('GET', '/problems/:slug', {
      summary: 'What a problem type means.',
      access: 'public',
      answers: { 200: document },
      handle: async ({ params }) => ok(problemType(params['slug'] ?? '')),
    }),
  ];
}

function problemType(slug: string): object {
  if (!Object.hasOwn(problemTypes, slug)) throw new Problem('not-found', 'there is no such problem type');
  return { type: `/problems/${slug}`, ...problemTypes[slug as keyof typeof problemTypes] };
}
