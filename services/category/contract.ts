import { z } from 'zod';

import { bounded, fits } from '#shared/bounded.ts';
import { epochMs, textOf, wordOf } from '#services/fields.ts';
import { command, event } from '#shared/message.ts';
import { lookup } from '#shared/web/lookup.ts';

const MAX_NAME_BYTES = 200;

/** A name without case and needless spaces: two categories never share one. Keys the category. */
export function categoryKeyOf(name: string): string {
  return name.normalize('NFC').toLowerCase().normalize('NFC').replaceAll(/\s+/gu, ' ').trim();
}

const MAX_KEY_BYTES = 200;
export const categoryName = textOf(MAX_NAME_BYTES).refine(
  (name) => fits(categoryKeyOf(name), MAX_KEY_BYTES),
  `must be at most ${MAX_KEY_BYTES} bytes in lower case`,
);
/** Fresh for each category: one that is made again under a name is another one, without the links of the one before. */
export const categoryId = bounded(36);

export const created = event('category.created', z.object({ id: categoryId, name: categoryName, createdAt: epochMs }));
export const createRefused = event(
  'category.create-refused',
  z.object({ name: categoryName, reason: wordOf(['category_exists']), id: categoryId }),
);
export const create = command('category.create', {
  body: z.object({ name: categoryName, id: categoryId }),
  key: ({ name }) => categoryKeyOf(name),
  done: created,
  refused: createRefused,
});

export const deleted = event('category.deleted', z.object({ id: categoryId }));
/** Its links go with it, because they name its id. Again, it is as well. */
export const remove = command('category.delete', {
  body: z.object({ name: categoryName, id: categoryId }),
  key: ({ name }) => categoryKeyOf(name),
  done: deleted,
});

/** Those of these ids that there are. */
export const existingCategories = lookup<readonly string[], readonly string[]>('category.existing');
