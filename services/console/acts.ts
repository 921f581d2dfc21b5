import { z } from 'zod';
import { opened, type Page, type PageQuery, sealed } from '#shared/web/cursors.ts';
import { type Call, type Endpoint, endpoint, ok, type Tag } from '#shared/web/endpoint.ts';
import { page } from '#shared/web/parameters.ts';
import type { ProblemSlug } from '#shared/web/problem-types.ts';
import { Problem } from '#shared/web/problems.ts';
import { listOf, named, shape, time } from '#shared/web/shapes.ts';
import type { Clock } from '#shared/clock.ts';
import { within } from '#shared/within.ts';

const actsTag: Tag = { name: 'Acts', description: 'What operators did. For operators.' };

export const actShape = named(
  'Act',
  shape({
    id: z.string().describe('The id of the act; ids sort by time.'),
    at: time.describe('When it was answered.'),
    by: z.string().describe('Who.'),
    operation: z.string().describe('What, by the name of the operation: `overrideBreaker`.'),
    method: z.string().describe('The method of the request.'),
    path: z.string().describe('The path of the request: what it was done to.'),
    reason: z.string().optional().describe('Why, where a reason was given.'),
    status: z.int().describe('How it was answered.'),
    problem: z.string().optional().describe('The last part of the problem’s type, when it was refused.'),
  }).meta({
    examples: [
      {
        id: '0193f7a0-5a5a-7000-8000-00004f2a91bc',
        at: '2026-11-28T13:05:00.640Z',
        by: 'root',
        operation: 'overrideBreaker',
        method: 'PUT',
        path: '/v1/breakers/payment/override',
        reason: 'the provider is down until noon',
        status: 200,
      },
    ],
  }),
);
export type Act = z.infer<typeof actShape>;

/** Where acts are kept. */
export interface Acts {
  /** Never rejects: an act that cannot be kept is in the log all the same. */
  record(act: Act): Promise<void>;
  /** Newest first. */
  list(query: PageQuery): Promise<Page<Act>>;
}

/** How long an answer waits until the act is kept; it is kept later, and in the log, all the same. */
const RECORD_MS = 200;

/** What only operators may do, recorded: who, what, to what, why, when, and how it was answered. Reading is no act. */
export function recording(endpoints: readonly Endpoint[], acts: Acts, clock: Clock): readonly Endpoint[] {
  return endpoints.map((one) =>
    one.access !== 'operator' || one.method === 'GET' ? one : { ...one, handle: (call) => recorded(one, call) },
  );

  async function recorded(one: Endpoint, call: Call) {
    const { id: operation, method } = one;
    const tell = async (status: number, problem?: ProblemSlug): Promise<void> => {
      const recorded = acts.record({
        id: clock.id(),
        at: new Date(clock.now()).toISOString(),
        by: call.caller.subject,
        operation,
        method,
        path: pathOf(one.path, call.params),
        ...reasonIn(call.body),
        status,
        ...(problem !== undefined && { problem }),
      });
      // Without the database, operators are answered all the same, just then.
      await within(clock, RECORD_MS, recorded).catch(() => undefined);
    };
    try {
      const answer = await one.handle(call);
      await tell(answer.status);
      return answer;
    } catch (error) {
      await (error instanceof Problem ? tell(error.status, error.slug) : tell(500));
      throw error;
    }
  }
}

export function actEndpoints(acts: Acts): readonly Endpoint[] {
  return [
    endpoint('GET', '/v1/acts', {
      id: 'listActs',
      tag: actsTag,
      summary: 'What operators did in the last year, newest first.',
      description: 'Everything but reading: who, what, to what, why where a reason was given, and how it was answered.',
      access: 'operator',
      query: page,
      answers: { 200: listOf(actShape) },
      async handle({ query }) {
        const list = ['acts'];
        return ok(sealed(list, await acts.list({ limit: query.limit, ...opened(list, query.cursor) })));
      },
    }),
  ];
}

function pathOf(path: string, params: Call['params']): string {
  return path.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
}

function reasonIn(body: unknown): { readonly reason?: string } {
  const { reason } = (body ?? {}) as { readonly reason?: unknown };
  return typeof reason === 'string' ? { reason } : {};
}
