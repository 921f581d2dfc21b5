import * as contract from './contract.ts';
import { answering, on, type Entity } from '#shared/entity/entity.ts';

/** Of a name: the category that has it now, if any does. */
export type CategoryState =
  | { readonly status: 'active'; readonly id: string; readonly name: string; readonly createdAt: number }
  | { readonly status: 'free' };

/** A category: key = its name without case, so that two at once cannot both get it. */
export const categoryEntity: Entity<CategoryState> = {
  route: 'category',
  handlers: [
    on(contract.create, (state, { id, name }, context) => {
      if (state?.status === 'active')
        return answering(
          state,
          context.answer(contract.createRefused, { name, reason: 'category_exists', id: state.id }),
        );
      const createdAt = context.now;
      const next = { ...state, status: 'active', id, name, createdAt } as const;
      return answering(next, context.answer(contract.created, { id, name, createdAt }));
    }),
    on(contract.remove, (state, { id }, context) => {
      const isThis = state?.status === 'active' && state.id === id;
      return answering(
        isThis ? { status: 'free' } : (state ?? { status: 'free' }),
        context.answer(contract.deleted, { id }),
      );
    }),
  ],
};
