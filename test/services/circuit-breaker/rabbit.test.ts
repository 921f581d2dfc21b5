import test from 'ava';
import { breakerSuite } from './suite.ts';
import { rabbitGround } from './world.ts';

breakerSuite(test, rabbitGround, 8);
