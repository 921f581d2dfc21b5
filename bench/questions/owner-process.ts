/** Answers in a process of its own until it is killed. */
import { answering } from './town.ts';

await answering(process.argv[2] ?? '');
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
