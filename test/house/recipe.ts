/** What README's "Add a service" says, done to a copy of the project: the toy service of this folder joins the road of an order. */
import { cpSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const COPIED = [
  'services',
  'shared',
  'rabbitmq',
  'local',
  'test',
  'bench',
  'package.json',
  'tsconfig.json',
  'ava.config.mjs',
  'docker-compose.yml',
];

/** A copy of the project in this folder, with the same packages. */
export function copyProject(root: string, to: string): void {
  for (const name of COPIED) cpSync(join(root, name), join(to, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(to, 'node_modules'));
}

/** Follows the recipe; returns every file that was made or changed, as paths in the project. */
export function addToyService(project: string): readonly string[] {
  const changed: string[] = [];
  const edit = (file: string, replacements: readonly (readonly [before: string, after: string])[]): void => {
    let text = readFileSync(join(project, file), 'utf8');
    for (const [before, after] of replacements) {
      if (!text.includes(before))
        throw new Error(`${file} has no ${JSON.stringify(before)}: the recipe is out of date`);
      text = text.replace(before, () => after);
    }
    writeFileSync(join(project, file), text);
    changed.push(file);
  };

  const toy = join(project, 'test/house/toy');
  for (const file of readdirSync(toy)) {
    cpSync(join(toy, file), join(project, 'services/loyalty', file));
    changed.push(`services/loyalty/${file}`);
  }
  edit('services/services.ts', [
    ["  import('./saga/service.ts'),", "  import('./loyalty/service.ts'),\n  import('./saga/service.ts'),"],
  ]);
  edit('services/saga/place-order.ts', [
    ['import * as notify from', "import * as loyalty from '#services/loyalty/contract.ts';\nimport * as notify from"],
    [
      'export const holdFunds = step({',
      `export const checkLoyalty = step({
  name: 'check-loyalty',
  title: 'customer checked',
  command: loyalty.check,
  with: ({ orderId, customerId, total }) => ({ orderId, customerId, amount: total }),
  undo: undo(loyalty.forget, ({ orderId }, { of }) => ({ orderId, of })),
});

export const holdFunds = step({`,
    ],
  ]);
  edit('services/saga/place-order-versions.ts', [
    [
      '/** An order that the saga has heard of',
      `export const placeOrder5 = version(5, [
  road.createPayment,
  road.attachPayment,
  road.checkLoyalty,
  road.holdFunds,
  road.authorizePayment,
  road.captureFunds,
  road.settlePayment,
  road.recordPayment,
  road.arrangeDelivery,
  road.notifyCustomer,
  road.recordDispatch,
]);

/** An order that the saga has heard of`,
    ],
    ['  return [', '  return [placeOrder5, '],
  ]);
  edit('docker-compose.yml', [
    [
      '  saga:            {',
      '  loyalty:           { <<: *service, command: [services/loyalty/main.ts],           environment: { <<: *environment, AMQP_URL: "amqp://switchyard.loyalty:${LOYALTY_BROKER_PASSWORD:-loyalty}@brokers/switchyard" } }\n  saga:            {',
    ],
  ]);
  return changed;
}
