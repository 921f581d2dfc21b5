import { createHash, randomBytes } from 'node:crypto';
import type { PolicySpec, Topology, UserSpec } from '#shared/bus/bus.ts';
import { type Management, ProvisionError } from './management.ts';
import type { Log } from '#shared/log.ts';

interface StoredUser {
  readonly name: string;
  readonly tags: readonly string[] | string;
  readonly password_hash: string;
  readonly hashing_algorithm: string;
}

interface StoredRight {
  readonly user: string;
  readonly vhost: string;
  readonly exchange?: string;
  readonly configure?: string;
  readonly write: string;
  readonly read: string;
}

interface StoredPolicy {
  readonly name: string;
  readonly pattern: string;
  readonly priority: number;
  readonly 'apply-to': string;
  readonly definition: Readonly<Record<string, unknown>>;
}

const SHA256 = 'rabbit_password_hashing_sha256';
const path = (...parts: readonly string[]): string => `/${parts.map(encodeURIComponent).join('/')}`;

/** Users with their passwords, permissions and topic permissions; writes only what differs, so that sessions of unchanged users go on. */
export async function provisionUsers(
  api: Management,
  vhost: string,
  users: readonly UserSpec[],
  passwords: Readonly<Record<string, string>>,
): Promise<void> {
  const [stored = [], rights = [], topics = []] = await Promise.all([
    api.get<readonly StoredUser[]>('/users'),
    api.get<readonly StoredRight[]>('/permissions'),
    api.get<readonly StoredRight[]>('/topic-permissions'),
  ]);
  const missing = users.filter(({ service }) => !passwords[service]).map(({ service }) => service);
  if (missing.length > 0) throw new ProvisionError(`no broker password is given for ${missing.join(', ')}`);
  for (const { name } of users) refuseStranger(name, vhost, stored, rights);
  await Promise.all(
    users.map(async (user) => {
      const password = passwords[user.service] as string;
      if (
        !isSame(
          stored.find(({ name }) => name === user.name),
          user,
          password,
        )
      ) {
        const hash = { password_hash: hashOf(password, randomBytes(4)), hashing_algorithm: SHA256 };
        await api.put(path('users', user.name), { ...hash, tags: user.tags.join(',') });
      }
      for (const topic of user.topics) {
        const known = topics.find(
          (other) => other.user === user.name && other.vhost === vhost && other.exchange === topic.exchange,
        );
        if (known?.write !== topic.write || known.read !== topic.read)
          await api.put(path('topic-permissions', vhost, user.name), topic);
      }
      // After the limits within exchanges: this lets the user in.
      const { configure, write, read } = user;
      const right = rights.find((known) => known.user === user.name && known.vhost === vhost);
      if (right?.configure !== configure || right.write !== write || right.read !== read) {
        await api.put(path('permissions', vhost, user.name), { configure, write, read });
      }
    }),
  );
}

/** A user of ours that someone else uses too would change under their feet. */
function refuseStranger(
  name: string,
  vhost: string,
  stored: readonly StoredUser[],
  rights: readonly StoredRight[],
): void {
  const user = stored.find((other) => other.name === name);
  if (user === undefined) return;
  const elsewhere = rights.filter((right) => right.user === name && right.vhost !== vhost).map((right) => right.vhost);
  if (elsewhere.length > 0) {
    throw new ProvisionError(
      `the broker user ${name} already exists and has rights in ${elsewhere.join(', ')}: remove it there, or choose another vhost than ${vhost}`,
    );
  }
  if (tagsOf(user).includes('administrator')) {
    throw new ProvisionError(
      `the broker user ${name} already exists and is an administrator: remove it, or choose another vhost than ${vhost}`,
    );
  }
}

const tagsOf = ({ tags }: StoredUser): readonly string[] =>
  typeof tags === 'string' ? tags.split(',').filter(Boolean) : tags;

function isSame(stored: StoredUser | undefined, user: UserSpec, password: string): boolean {
  if (stored?.hashing_algorithm !== SHA256) return false;
  const salt = Buffer.from(stored.password_hash, 'base64').subarray(0, 4);
  return (
    hashOf(password, salt) === stored.password_hash && tagsOf(stored).toSorted().join() === user.tags.toSorted().join()
  );
}

/** RabbitMQ's salted SHA-256 (its guide "Credentials and Passwords"). */
function hashOf(password: string, salt: Buffer): string {
  return Buffer.concat([salt, createHash('sha256').update(salt).update(password, 'utf8').digest()]).toString('base64');
}

export async function provisionPolicies(api: Management, vhost: string, topology: Topology, log: Log): Promise<void> {
  const stored = (await api.get<readonly StoredPolicy[]>(path('policies', vhost))) ?? [];
  await Promise.all(
    topology.policies.map(async (policy) => {
      const known = stored.find(({ name }) => name === policy.name);
      if (known === undefined || !samePolicy(known, policy)) {
        const { pattern, priority, definition } = policy;
        await api.put(path('policies', vhost, policy.name), { pattern, priority, definition, 'apply-to': 'queues' });
      }
    }),
  );
  warnOfStrangers(stored, topology, log);
}

function samePolicy(stored: StoredPolicy, { pattern, priority, definition }: PolicySpec): boolean {
  const flat = (table: object): string =>
    JSON.stringify(Object.entries(table).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return (
    stored.pattern === pattern &&
    stored.priority === priority &&
    stored['apply-to'] === 'queues' &&
    flat(stored.definition) === flat(definition)
  );
}

/** Only the policy of the highest priority counts for a queue: a stranger's takes the TTL away. */
function warnOfStrangers(stored: readonly StoredPolicy[], { policies, queues }: Topology, log: Log): void {
  const ours = new Set(policies.map(({ name }) => name));
  const lowest = Math.min(...policies.map(({ priority }) => priority));
  for (const { name, pattern, priority } of stored) {
    if (ours.has(name) || priority < lowest) continue;
    const hit = queues.find((queue) => new RegExp(pattern).test(queue.name));
    if (hit !== undefined)
      log.warn('a policy that is not ours overrides the TTL of our queues: lower its priority or remove it', {
        policy: name,
        queue: hit.name,
      });
  }
}
