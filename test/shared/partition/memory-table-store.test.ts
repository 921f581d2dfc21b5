import test from 'ava';
import { describeTableStore } from './table-store-conformance.ts';
import { createMemoryTableStore } from '#shared/partition/memory-table-store.ts';

describeTableStore(test, () => Promise.resolve(createMemoryTableStore()));
