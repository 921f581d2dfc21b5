/** One service as a process of the benchmark: `node bench/loop/worker-process.ts '{"name": "order", ...}'`; tells its parent what completed. */
import { host, type HostOptions } from './participants.ts';

const { name, ...options } = JSON.parse(process.argv[2] ?? '{}') as { name: string } & HostOptions;
let completed: string[] = [];
let messages: Record<string, number> = {};

const stop = await host(name, {
  ...options,
  onCompleted(orderId) {
    if (completed.length === 0) setImmediate(report);
    completed.push(orderId);
  },
  onMessage(type) {
    messages[type] = (messages[type] ?? 0) + 1;
  },
});

function report(): void {
  process.send?.({ completed });
  completed = [];
}

process.send?.({ ready: true });
process.on('message', () => {
  void stop().then(() => {
    process.send?.({ messages });
    process.disconnect();
    process.exit(0);
  });
});
process.on('disconnect', () => process.exit(0));
