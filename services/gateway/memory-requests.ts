import type { RequestStore, StoredRequest } from './requests.ts';

/** Keeps requests in this process; for tests and simulation. Expired ones go when they are next looked at. */
export function createMemoryRequests(now: () => number): RequestStore & { all(): readonly StoredRequest[] } {
  const requests = new Map<string, StoredRequest>();

  function get(id: string): StoredRequest | undefined {
    const request = requests.get(id);
    if (request?.expiresAt !== undefined && request.expiresAt <= now()) {
      requests.delete(id);
      return undefined;
    }
    return request;
  }

  function change(id: string, changes: Partial<StoredRequest>): StoredRequest | undefined {
    const request = get(id);
    if (request === undefined) return undefined;
    const changed = { ...request, ...changes };
    requests.set(id, changed);
    return changed;
  }

  function open(id: string): StoredRequest | undefined {
    const request = get(id);
    return request?.state === 'confirmed' ? undefined : request;
  }

  async function takeOver(id: string, until: number): Promise<StoredRequest | undefined> {
    const request = open(id);
    return request && change(id, { takenOver: request.takenOver + 1, busyUntil: until, nextTryAt: until });
  }

  return {
    async insert(request) {
      const existing = get(request.id);
      if (existing === undefined) requests.set(request.id, { ...request });
      return existing;
    },
    async confirm(id, { expiresAt, answer, forgetsBody }) {
      const request = get(id);
      if (request === undefined) return;
      const { nextTryAt: _, ...rest } = request;
      const kept = request.answer ?? answer;
      requests.set(id, {
        ...rest,
        ...(forgetsBody && { message: { ...request.message, body: undefined } }),
        state: 'confirmed',
        expiresAt: request.expiresAt ?? expiresAt,
        ...(kept && { answer: kept }),
      });
    },
    async settle(id, answer) {
      if (get(id)?.answer === undefined) change(id, { answer });
    },
    async withdraw(id) {
      const request = get(id);
      return request?.state === 'stored' && request.takenOver === 0 && requests.delete(id);
    },
    async giveUp(id, nextTryAt) {
      if (open(id)) change(id, { state: 'unknown', busyUntil: 0, nextTryAt });
    },
    takeOver,
    async takeDue(moment, until) {
      const due = [...requests.values()]
        .filter((request) => request.nextTryAt !== undefined && request.nextTryAt <= moment)
        .toSorted((a, b) => (a.nextTryAt ?? 0) - (b.nextTryAt ?? 0))[0];
      return due && takeOver(due.id, until);
    },
    async forget(id) {
      requests.delete(id);
    },
    async ofResource(resourceId) {
      const found = [...requests.values()].find(
        (request) => request.resourceId === resourceId && request.state === 'confirmed',
      );
      return found && get(found.id);
    },
    async find(id) {
      return get(id);
    },
    all: () => [...requests.values()],
  };
}
