import test from 'ava';
import { asking } from './conformance.ts';
import { owners } from './conformance-owners.ts';
import type { Run } from '#test/shared/bus/conformance-run.ts';
import { rabbitWorld } from '#test/support/broker-world.ts';

const run: Run = (title, body) => {
  test(`rabbitmq: ${title}`, async (t) => {
    const world = await rabbitWorld();
    try {
      await body(t, world);
    } finally {
      await world.close();
    }
  });
};

asking(run);
owners(run);
