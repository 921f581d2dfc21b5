import { reasonOf } from '#shared/errors.ts';

/** Provisioning cannot go on; the text says what to do about it. */
export class ProvisionError extends Error {
  override readonly name = 'ProvisionError';
  /** The broker starts, is busy, or met something that was deleted at that moment: trying again may help. */
  readonly transient: boolean;

  constructor(message: string, options: ErrorOptions & { readonly transient?: boolean } = {}) {
    super(message, options);
    this.transient = options.transient ?? false;
  }
}

/** RabbitMQ's HTTP management API, as an administrator. */
export interface Management {
  readonly user: string;
  /** `undefined`: there is no such thing (404). */
  get<Body>(path: string): Promise<Body | undefined>;
  put(path: string, body: object): Promise<void>;
  post(path: string, body: object): Promise<void>;
  remove(path: string): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

const REQUEST_MS = 10_000;

/**
 * `url`: `http://user:password@host:port`. Asks once, for `requestMs` at most; who wants to wait longer asks `patiently`. Rejects with
 * `ProvisionError`; never puts the password into a text.
 */
export function connectManagement(url: string, requestMs = REQUEST_MS): Management {
  const { origin, pathname, username, password } = new URL(url);
  const base = `${origin}${pathname.replace(/\/$/, '')}/api`;
  const user = decodeURIComponent(username);
  const authorization = `Basic ${Buffer.from(`${user}:${decodeURIComponent(password)}`).toString('base64')}`;

  async function ask(method: string, path: string, body?: object): Promise<Answer> {
    const init = {
      method,
      headers: { authorization, 'content-type': 'application/json' },
      signal: AbortSignal.timeout(requestMs),
    };
    try {
      const response = await fetch(
        `${base}${path}`,
        body === undefined ? init : { ...init, body: JSON.stringify(body) },
      );
      return { status: response.status, text: await response.text() };
    } catch (cause) {
      const detail = reasonOf((cause as { readonly cause?: unknown }).cause ?? cause);
      throw new ProvisionError(
        `RabbitMQ's management API does not answer at ${base} (${detail}): start the broker with the plugin rabbitmq_management, or correct the address`,
        { cause, transient: true },
      );
    }
  }

  async function call(method: string, path: string, body?: object): Promise<Answer> {
    const answer = await ask(method, path, body);
    const { status, text } = answer;
    if (status === 401 || status === 403) {
      throw new ProvisionError(
        `RabbitMQ's management API refuses the user ${user} at ${base}: it must exist, with this password and the tag administrator`,
      );
    }
    if (status >= 400 && status !== 404) {
      throw new ProvisionError(
        `RabbitMQ's management API answered ${status} to ${method} ${path}: ${text.slice(0, 300)}`,
        { transient: status >= 500 },
      );
    }
    return answer;
  }

  async function change(method: string, path: string, body?: object): Promise<void> {
    const { status } = await call(method, path, body);
    if (status === 404 && method !== 'DELETE')
      throw new ProvisionError(`RabbitMQ's management API answered 404 to ${method} ${path}`);
  }

  return {
    user,
    async get<Body>(path: string) {
      const { status, text } = await call('GET', path);
      return status === 404 ? undefined : (JSON.parse(text) as Body);
    },
    put: (path, body) => change('PUT', path, body),
    post: (path, body) => change('POST', path, body),
    remove: (path) => change('DELETE', path),
  };
}
