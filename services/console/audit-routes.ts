import { z } from 'zod';
import { auditShape } from './audit-shape.ts';
import { auditAsker, type Audits } from './audits.ts';
import { auditWish, type AuditWish } from '#services/audit/contract.ts';
import { type Answer, type Call, type Endpoint, endpoint, ok, type Tag } from '#shared/web/endpoint.ts';
import { Problem, retryAfter } from '#shared/web/problems.ts';
import type { Clock } from '#shared/clock.ts';

const auditsTag: Tag = {
  name: 'Audits',
  description: 'Whether what the services keep fits together. For operators.',
};

const { limit, graceMs } = auditWish.shape;
const runAudit = z.strictObject({ ...auditWish.shape, limit: limit.default(100), graceMs: graceMs.default(2000) });

/** Whether what the services keep fits together. */
export function auditEndpoints(audits: Audits, clock: Clock): readonly Endpoint[] {
  const { names, atOnceMs = 4000 } = audits;
  const ask = auditAsker(audits, clock);
  const audit = auditShape(names);
  const summaries = z.looseObject({ items: z.array(audit.omit({ items: true })).describe('Newest first.') });
  const pathOf = (id: string): string => `/v1/audits/${id}`;

  async function start({ body, caller }: Call<unknown, AuditWish>): Promise<Answer> {
    const { audit: begun, running } = await ask({ kind: 'start', by: caller.subject, wish: body, waitMs: atOnceMs });
    if (begun === undefined) throw runsAlready(running);
    const headers = { Location: pathOf(begun.id) };
    return begun.state === 'running'
      ? { status: 202, headers: { ...headers, ...retryAfter(1000) }, body: begun }
      : { status: 200, headers, body: begun };
  }

  function runsAlready(id: string | undefined): Problem {
    return new Problem('invalid-transition', 'an audit runs already', {
      headers: { ...retryAfter(1000), ...(id !== undefined && { Location: pathOf(id) }) },
      ...(id !== undefined && { members: { auditId: id } }),
    });
  }

  async function find(id: string) {
    const { audit: one } = await ask({ kind: 'get', audit: id });
    if (one === undefined) throw new Problem('not-found', 'no such audit was run, or it is forgotten');
    return one;
  }

  return [
    endpoint('POST', '/v1/audit', {
      id: 'runAudit',
      tag: auditsTag,
      summary: 'Check the invariants of everything that is stored.',
      description: '200: done; 202: it runs, see Location; 409: one runs already, see Location.',
      access: 'operator',
      body: runAudit,
      bodyOptional: true,
      problems: ['invalid-transition', 'outcome-unknown'],
      headers: { 200: ['Location'], 202: ['Location', 'Retry-After'], 409: ['Location'] },
      example: { limit: 100, graceMs: 2000 },
      answers: { 200: audit, 202: audit },
      handle: start,
    }),
    endpoint('GET', '/v1/audits', {
      id: 'listAudits',
      tag: auditsTag,
      summary: 'The last audits, newest first, without what they list.',
      access: 'operator',
      answers: { 200: summaries },
      handle: async () => ok({ items: (await ask({ kind: 'list' })).audits ?? [] }),
    }),
    endpoint('GET', '/v1/audits/:auditId', {
      id: 'getAudit',
      tag: auditsTag,
      summary: 'An audit: what it has checked and found, also while it runs.',
      params: { auditId: 'The id that starting it answered.' },
      access: 'operator',
      answers: { 200: audit },
      handle: async ({ params }) => ok(await find(params['auditId'] ?? '')),
    }),
  ];
}
