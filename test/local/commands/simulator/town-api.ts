import type { Api, ApiAnswer } from '#local/commands/api.ts';
import type { TownDoor } from '#test/town/door.ts';

/** What an operator's client sees of a town. */
export function townApi(door: Pick<TownDoor, 'ask'>): Api {
  const call = async <Body>(...asked: Parameters<TownDoor['ask']>): Promise<ApiAnswer<Body>> => {
    const { status, headers = {}, body } = await door.ask<Body>(...asked);
    return { status, headers: new Headers(headers), body };
  };
  return {
    get: (path) => call('GET', path),
    post(path, body, headers = {}) {
      const key = headers['idempotency-key'];
      return call('POST', path, { body, ...(key !== undefined && { key }) });
    },
    put: (path, body) => call('PUT', path, { body }),
    delete: (path) => call('DELETE', path),
  };
}
