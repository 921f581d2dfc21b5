/** Answers in a process of its own until it is killed. */
import { answeringPrices } from './town.ts';

await answeringPrices(process.argv[2] ?? '');
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
