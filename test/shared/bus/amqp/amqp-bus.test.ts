import test from 'ava';
import { conformance } from '#test/shared/bus/conformance.ts';
import { rabbitWorld } from '#test/support/broker-world.ts';

conformance(test, rabbitWorld);
