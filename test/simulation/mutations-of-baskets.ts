/** Deliberate defects of baskets and prices. */
import type { Mutation } from './mutation.ts';

export const ofBaskets: readonly Mutation[] = [
  {
    name: 'a line priced by another version than it names',
    guarantee: 'a line names the version that computed it',
    file: 'services/pricing/quoting.ts',
    find: 'scripts.call({ source, version }, [{',
    replace: 'scripts.call({ source, version: sku }, [{',
  },
  {
    name: 'a line rounded twice',
    guarantee: 'a line is rounded once',
    file: 'services/pricing/strategies/fraction-from.js',
    find: 'round(2 * quantity * price, 3)',
    replace: 'quantity * round(2 * price, 3)',
  },
  {
    name: 'the basket of one supermarket in another',
    guarantee: 'a user has a basket in each supermarket',
    file: 'services/basket/contract.ts',
    find: 'return `${where}/${userId}`;',
    replace: 'return userId;',
  },
  {
    name: 'the basket of another user',
    guarantee: 'nobody sees the basket of anybody else',
    file: 'services/basket/contract.ts',
    find: 'return `${where}/${userId}`;',
    replace: 'return `${where}/${userId.length}`;',
  },
  {
    name: 'an order of a basket charged quantity times price',
    guarantee: 'an order is charged what its basket showed',
    file: 'services/basket/changing.ts',
    find: 'const { total, lines } = await ask();',
    replace:
      'const { total: shown, lines } = await ask();\n      const total = { ...shown, amount: lines.reduce((sum, one) => sum + one.quantity * one.unitPrice.amount, 0) };',
  },
  {
    name: 'what a script leaves is seen by the next call',
    guarantee: 'nothing is kept from one call of a strategy to the next',
    file: 'services/pricing/scripts/realm-setup.ts',
    find: '    return (buffer) => {\n',
    replace: '    const kept = factory();\n    return (buffer) => {\n',
    and: {
      file: 'services/pricing/scripts/realm-setup.ts',
      find: 'const strategy = factory();',
      replace: 'const strategy = kept;',
    },
  },
];
