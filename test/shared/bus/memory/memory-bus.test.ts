import test from 'ava';
import { conformance } from '#test/shared/bus/conformance.ts';
import { memoryWorld } from '#test/support/broker-world.ts';

conformance(test, memoryWorld);
