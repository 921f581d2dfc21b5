import { readAddresses } from '#local/stack/addresses.ts';
import { Trouble } from '#local/stack/trouble.ts';
import { reasonOf } from '#shared/errors.ts';

/** A client of the gateway, for the local stack's commands and the end-to-end tests. */
export interface Api {
  get<Body>(path: string): Promise<ApiAnswer<Body>>;
  post<Body>(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<ApiAnswer<Body>>;
  put<Body>(path: string, body: unknown): Promise<ApiAnswer<Body>>;
  delete<Body>(path: string): Promise<ApiAnswer<Body>>;
}

export interface ApiAnswer<Body> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

export function createApi(baseUrl: string, token: string): Api {
  const call = async <Body>(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<ApiAnswer<Body>> => {
    const response = await fetch(new URL(path, baseUrl), {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(15_000),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: (text === '' ? undefined : JSON.parse(text)) as Body,
    };
  };
  return {
    get: (path) => call('GET', path),
    post: (path, body, headers) => call('POST', path, body, headers),
    put: (path, body) => call('PUT', path, body),
    delete: (path) => call('DELETE', path),
  };
}

/** The same, which rejects with a sentence for a person where nothing answers. */
function toldApi(baseUrl: string, token: string): Api {
  const api = createApi(baseUrl, token);
  const told = async <Body>(answer: Promise<ApiAnswer<Body>>): Promise<ApiAnswer<Body>> =>
    answer.catch((error: unknown) => {
      const reason = reasonOf((error as { readonly cause?: unknown }).cause ?? error);
      throw new Trouble(`The API at ${baseUrl} does not answer (${reason}): is its stack running?`);
    });
  return {
    get: (path) => told(api.get(path)),
    post: (path, body, headers) => told(api.post(path, body, headers)),
    put: (path, body) => told(api.put(path, body)),
    delete: (path) => told(api.delete(path)),
  };
}

/**
 * Of the stack that `--api` and `--token` name, or of the one of this folder. Its calls reject with `Trouble` where nothing answers.
 * @throws {Trouble} when only one is given, it is no URL, or no stack runs
 */
export function apiOf({ api, token }: { readonly api?: string | undefined; readonly token?: string | undefined }): Api {
  if ((api === undefined) !== (token === undefined)) throw new Trouble('--api and --token go together.');
  if (api === undefined || token === undefined) {
    const running = readAddresses();
    return toldApi(running.api, running.operatorToken);
  }
  if (!URL.canParse(api)) throw new Trouble(`--api is a URL, not ${JSON.stringify(api)}`);
  return toldApi(api, token);
}
