import test from 'ava';
import { memoryGround } from './grounds.ts';
import { breakerSuite } from './suite.ts';

breakerSuite(test, memoryGround, 100);
