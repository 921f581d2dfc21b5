import test from 'ava';
import { describeTableStore } from './table-store-conformance.ts';
import { createMongoTableStore } from '#shared/partition/table-store.ts';
import { mongoWorld } from '#test/support/mongo-world.ts';

describeTableStore(test, async (t) => createMongoTableStore((await mongoWorld(t)).db));
