import test from 'ava';
import { conformance } from './conformance.ts';
import { rabbitWorld } from '#test/support/broker-world.ts';

conformance(test, rabbitWorld);
