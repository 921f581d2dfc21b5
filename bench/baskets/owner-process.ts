/** Answers for products in a process of its own until it is killed. */
import { answerPrices } from './town.ts';

const [amqpUrl = '', mongoUrl = ''] = process.argv.slice(2);
await answerPrices(amqpUrl, mongoUrl);
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
