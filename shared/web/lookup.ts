/** Something that a service tells the endpoints of others. The owner's contract names it; the owner's `api.ts` answers it. */
export interface Lookup<Found, Key = string> {
  readonly name: string;
  /** For the compiler alone. */
  readonly types?: (key: Key) => Found;
}

/** Names a lookup, as `<owner>.<what>`. */
export function lookup<Found, Key = string>(name: string): Lookup<Found, Key> {
  return { name };
}

/** A lookup with its owner's answer. */
export interface AnsweredLookup {
  readonly name: string;
  readonly find: (key: unknown) => Promise<unknown>;
}

export function answerLookup<Found, Key>(
  { name }: Lookup<Found, Key>,
  find: (key: Key) => Promise<Found>,
): AnsweredLookup {
  return { name, find: (key) => find(key as Key) };
}

export type LookUp = <Found, Key>(lookup: Lookup<Found, Key>, key: Key) => Promise<Found>;

/** Looks up by name. A lookup that nobody answers is a mistake in the list of services. */
export function lookingUp(answered: () => readonly AnsweredLookup[]): LookUp {
  const byName = new Map<string, AnsweredLookup>();
  return async <Found, Key>({ name }: Lookup<Found, Key>, key: Key): Promise<Found> => {
    if (byName.size === 0) for (const one of answered()) byName.set(one.name, one);
    const found = byName.get(name);
    if (found === undefined) throw new Error(`no service answers the lookup ${name}`);
    return (await found.find(key)) as Found;
  };
}
