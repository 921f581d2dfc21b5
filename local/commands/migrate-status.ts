import type { Migration } from '#shared/database/migration.ts';
import type { StoredSchema } from '#shared/database/schema.ts';

/** What `npm run migrate -- status` prints. `now`: epoch ms. */
export function statusLines(
  { version, applied, begun, lock }: StoredSchema,
  migrations: readonly Pick<Migration, 'name'>[],
  now: number,
): readonly string[] {
  const own = migrations.map(({ name }) => name);
  const all = [...new Set([...own, ...applied.map(({ name }) => name)])].toSorted();
  return [
    `schema: ${version ?? 'as before the first migration'}`,
    ...all.map((name) => {
      const at = applied.find((one) => one.name === name)?.at;
      const unknown = own.includes(name) ? '' : ', not known to this version';
      if (at !== undefined) return `  ${name}  applied ${new Date(at).toISOString()}${unknown}`;
      if (begun?.name !== name) return `  ${name}  not applied`;
      return `  ${name}  ${begun.direction} begun, ${begun.progress?.changed ?? 0} documents changed`;
    }),
    ...(lock === undefined
      ? []
      : [
          lock.expiresAt > now
            ? `${lock.owner} is migrating`
            : `${lock.owner} was migrating and does not answer: run it again to go on`,
        ]),
  ];
}
