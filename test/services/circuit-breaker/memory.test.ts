import test from 'ava';
import { breakerSuite } from './suite.ts';
import { memoryGround } from './world.ts';

breakerSuite(test, memoryGround, 100);
