import test from 'ava';
import { asking } from './conformance.ts';
import { memoryWorld } from '#test/support/broker-world.ts';

asking((title, body) => {
  test(`memory: ${title}`, async (t) => {
    const world = await memoryWorld();
    try {
      await body(t, world);
    } finally {
      await world.close();
    }
  });
});
