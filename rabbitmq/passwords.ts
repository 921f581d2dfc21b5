/** The passwords of the broker's users, from the environment of provisioning: one `<SERVICE>_BROKER_PASSWORD` each. */
import { z } from 'zod';
import type { ConfigRule } from '#shared/host/config.ts';

/** The variable that holds the password of a broker user. */
export const passwordVariable = (user: string): string => `${user.toUpperCase().replaceAll('-', '_')}_BROKER_PASSWORD`;

/** `given`: every password must be given. `names`: a user without one has its name, on a laptop where only loopback reaches the broker. */
const sources = z.enum(['given', 'names']).default('given');

interface Given {
  readonly BROKER_PASSWORDS: z.infer<typeof sources>;
  readonly [variable: string]: unknown;
}

export function passwordVariables(users: readonly string[]) {
  const passwords: Readonly<Record<string, z.ZodOptional<z.ZodString>>> = Object.fromEntries(
    users.map((user) => [passwordVariable(user), z.string().min(1).optional()] as const),
  );
  return { ...passwords, BROKER_PASSWORDS: sources };
}

/** Every user needs a password, unless names will do. */
export function passwordRule(users: readonly string[]): ConfigRule<Given> {
  return (config) =>
    withoutPassword(users, config).flatMap((user) =>
      config.BROKER_PASSWORDS === 'names' ? [] : [`${passwordVariable(user)} is missing`],
    );
}

/** Users whose password is not given. */
export function withoutPassword(users: readonly string[], config: Given): readonly string[] {
  return users.filter((user) => config[passwordVariable(user)] === undefined);
}

export function passwordsOf(users: readonly string[], config: Given): Readonly<Record<string, string>> {
  return Object.fromEntries(users.map((user) => [user, String(config[passwordVariable(user)] ?? user)]));
}
