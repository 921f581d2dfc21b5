import { systemClock } from '#shared/clock.ts';
import { reasonOf } from '#shared/errors.ts';

/** Provisioning cannot go on; the text says what to do about it. */
export class ProvisionError extends Error {
  override readonly name = 'ProvisionError';
  /** The broker does not answer (yet): trying again may help. */
  readonly transient: boolean;
  /** What the management API answered, if it did. */
  readonly status: number | undefined;

  constructor(
    message: string,
    options: ErrorOptions & { readonly transient?: boolean; readonly status?: number } = {},
  ) {
    super(message, options);
    this.transient = options.transient ?? false;
    this.status = options.status;
  }
}

/** The next try may not meet it: the API does not answer, or met something that was deleted at that moment. */
export function mayPass(error: unknown): boolean {
  return error instanceof ProvisionError && (error.transient || error.status === 500);
}

/** RabbitMQ's HTTP management API, as an administrator. */
export interface Management {
  readonly user: string;
  /** `undefined`: there is no such thing (404). */
  get<Answer>(path: string): Promise<Answer | undefined>;
  put(path: string, body: object): Promise<void>;
  post(path: string, body: object): Promise<void>;
  remove(path: string): Promise<void>;
}

const TIMEOUT_MS = 10_000;
const READ_TRIES = 5;

/** `url`: `http://user:password@host:port`. Rejects with `ProvisionError`; never puts the password into a text. */
export function connectManagement(url: string): Management {
  const { origin, pathname, username, password } = new URL(url);
  const base = `${origin}${pathname.replace(/\/$/, '')}/api`;
  const user = decodeURIComponent(username);
  const authorization = `Basic ${Buffer.from(`${user}:${decodeURIComponent(password)}`).toString('base64')}`;

  async function call(method: string, path: string, body?: object): Promise<Response> {
    const init = {
      method,
      headers: { authorization, 'content-type': 'application/json' },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    };
    let response: Response;
    try {
      response = await fetch(`${base}${path}`, body === undefined ? init : { ...init, body: JSON.stringify(body) });
    } catch (cause) {
      const detail = reasonOf((cause as { readonly cause?: unknown }).cause ?? cause);
      throw new ProvisionError(
        `RabbitMQ's management API does not answer at ${base} (${detail}): start the broker with the plugin rabbitmq_management, or correct the address`,
        { cause, transient: true },
      );
    }
    if (response.status === 401 || response.status === 403) {
      throw new ProvisionError(
        `RabbitMQ's management API refuses the user ${user} at ${base}: it must exist, with this password and the tag administrator`,
      );
    }
    if (!response.ok && response.status !== 404) {
      throw new ProvisionError(
        `RabbitMQ's management API answered ${response.status} to ${method} ${path}: ${(await response.text()).slice(0, 300)}`,
        { status: response.status },
      );
    }
    return response;
  }

  /**
   * RabbitMQ 3.10 answers 500 to a list when something in it is deleted at that moment, and a machine that is busy answers late; the
   * next try does not meet it. Not `insist`: it gives up.
   */
  async function read(path: string): Promise<Response> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await call('GET', path);
      } catch (error) {
        if (!mayPass(error) || tries >= READ_TRIES) throw error;
        await systemClock.sleep(50 * tries);
      }
    }
  }

  async function change(method: string, path: string, body?: object): Promise<void> {
    const response = await call(method, path, body);
    await response.arrayBuffer();
    if (response.status === 404 && method !== 'DELETE')
      throw new ProvisionError(`RabbitMQ's management API answered 404 to ${method} ${path}`);
  }

  return {
    user,
    async get<Answer>(path: string) {
      const response = await read(path);
      const text = await response.text();
      return response.status === 404 ? undefined : (JSON.parse(text) as Answer);
    },
    put: (path, body) => change('PUT', path, body),
    post: (path, body) => change('POST', path, body),
    remove: (path) => change('DELETE', path),
  };
}
