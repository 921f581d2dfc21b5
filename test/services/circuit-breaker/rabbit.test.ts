import test from 'ava';
import { rabbitGround } from './grounds.ts';
import { breakerSuite } from './suite.ts';

breakerSuite(test, rabbitGround, 8);
