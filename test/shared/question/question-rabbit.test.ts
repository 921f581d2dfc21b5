import test from 'ava';
import { asking } from './conformance.ts';
import { rabbitWorld } from '#test/support/broker-world.ts';

asking((title, body) => {
  test(`rabbitmq: ${title}`, async (t) => {
    const world = await rabbitWorld();
    try {
      await body(t, world);
    } finally {
      await world.close();
    }
  });
});
