import { z } from 'zod';
import * as contract from './contract.ts';
import { categoryShape, type CategoryQueries, categoryView } from './view.ts';
import { composed, submissionOf } from '#services/submitting.ts';
import type { CommandType } from '#shared/message.ts';
import { defineApi } from '#shared/web/api.ts';
import { opened, sealed } from '#shared/web/cursors.ts';
import type { Composed, Door, Submission } from '#shared/web/door.ts';
import { type Answer, type Call, endpoint, noContent, nothing, ok, type Tag } from '#shared/web/endpoint.ts';
import { answerLookup } from '#shared/web/lookup.ts';
import { page } from '#shared/web/parameters.ts';
import { Problem } from '#shared/web/problems.ts';
import { listOf, shape } from '#shared/web/shapes.ts';

const categoriesTag: Tag = { name: 'Categories', description: 'What products are sorted into.' };

const createBody = z.strictObject({
  name: contract.categoryName.describe('No other category has it, in whatever case.'),
});
const pending = shape({
  id: z.string().describe('The category.'),
  state: z.literal('pending').describe('It was not decided in time: the category tells what became of it.'),
});
const params = { id: 'The id of the category.' };

export const categoryApi = defineApi({
  view: categoryView,
  commands: [contract.create.route],
  endpoints: (categories, door) => [
    endpoint('POST', '/v1/categories', {
      id: 'createCategory',
      tag: categoriesTag,
      summary: 'Create a category, as an operator.',
      access: 'operator',
      body: createBody,
      idempotent: true,
      problems: ['category-exists'],
      headers: { 201: ['Location'], 202: ['Location'] },
      example: { name: 'Hot drinks' },
      answers: { 201: categoryShape, 202: pending },
      handle: (call) => door.submit(creating(call, door, categories)),
    }),
    endpoint('GET', '/v1/categories', {
      id: 'listCategories',
      tag: categoriesTag,
      summary: 'Categories in the order of their names.',
      access: 'token',
      query: page,
      answers: { 200: listOf(categoryShape) },
      async handle({ query: { limit, cursor } }) {
        const scope = ['categories'];
        return ok(sealed(scope, await categories.list({ limit, ...opened(scope, cursor) })));
      },
    }),
    endpoint('GET', '/v1/categories/:id', {
      id: 'getCategory',
      tag: categoriesTag,
      summary: 'One category.',
      params,
      access: 'token',
      answers: { 200: categoryShape },
      handle: async (call) => ok(await one(categories, call)),
    }),
    endpoint('DELETE', '/v1/categories/:id', {
      id: 'deleteCategory',
      tag: categoriesTag,
      summary: 'Delete a category, as an operator.',
      description: 'Its links go, the products stay. 202: not decided yet, see Location.',
      params,
      access: 'operator',
      problems: ['breaker-open', 'outcome-unknown'],
      headers: { 202: ['Location'] },
      answers: { 202: pending, 204: nothing },
      handle: async (call) => door.submit(deleting(await one(categories, call), call, door, categories)),
    }),
  ],
  lookups: (categories) => [answerLookup(contract.existingCategories, (ids) => categories.existing(ids))],
});

async function one(categories: CategoryQueries, { params: { id = '' } }: Pick<Call, 'params'>) {
  const category = await categories.find(id);
  if (category === undefined) throw new Problem('not-found', 'there is no such category');
  return category;
}

type Asking = Pick<Call, 'caller' | 'trace' | 'idempotencyKey'>;
interface Named {
  readonly id: string;
  readonly name: string;
}

function creating(
  { body: { name }, ...call }: Call<unknown, z.output<typeof createBody>>,
  door: Door,
  categories: CategoryQueries,
): Submission {
  return {
    ...submissionOf(contract.create, call),
    same: { name },
    compose: () => asking(contract.create, { name, id: door.clock.id() }, call, door),
    async outcome({ message }) {
      const answer = await categories.outcome(message.key, message.id);
      if (answer?.type === contract.createRefused.name) {
        const { id } = contract.createRefused.body.parse(answer.body);
        throw new Problem('category-exists', 'there is a category of that name', { members: { id } });
      }
      if (answer?.type !== contract.created.name) return undefined;
      const { id, name: kept } = contract.created.body.parse(answer.body);
      return { status: 201, headers: { Location: pathOf(id) }, body: { id, name: kept } };
    },
  };
}

function deleting(category: Named, call: Asking, door: Door, categories: CategoryQueries): Submission {
  return {
    ...submissionOf(contract.remove, call),
    same: category,
    compose: () => asking(contract.remove, category, call, door),
    async outcome({ message }): Promise<Answer | undefined> {
      return (await categories.outcome(message.key, message.id)) && noContent;
    },
  };
}

function asking(command: CommandType<Named>, { id, name }: Named, call: Asking, door: Door): Composed {
  const accepted = { status: 202, headers: { Location: pathOf(id) }, body: { id, state: 'pending' } };
  return composed(command, { body: { id, name }, accepted }, call, door);
}

function pathOf(id: string): string {
  return `/v1/categories/${id}`;
}
