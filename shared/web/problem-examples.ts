import { problemTypes, type ProblemSlug } from './problem-types.ts';

/** As `examples` of the OpenAPI document want it. */
export interface ProblemExample {
  readonly name: string;
  readonly value: { readonly type: string; readonly title: string; readonly [member: string]: unknown };
}

const unreadTitles: Readonly<Record<number, string>> = {
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
};
const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';

/** The first sentence of its description stands for what is wrong with a request. */
export function problemExample(slug: ProblemSlug): ProblemExample {
  const { status, title, description } = problemTypes[slug];
  const [detail = title] = description.split(/(?<=\.) /, 1);
  const value = { type: `/problems/${slug}`, title, status, detail, instance: '/v1/orders', traceId: TRACE_ID };
  return { name: slug, value };
}

/** Of a request that cannot be read. */
export function unreadProblem(status: number): ProblemExample {
  const title = unreadTitles[status] ?? '';
  return { name: `status-${status}`, value: { type: 'about:blank', title, status, detail: title, traceId: TRACE_ID } };
}
