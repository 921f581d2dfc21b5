/** What a process of a stack keeps in memory, asked of the process itself. */
import type { TestStack } from './stack.ts';
import { until } from './until.ts';

/** In `NODE_OPTIONS` of a stack whose processes are to be asked: each inspector finds a port of its own. */
export const ANY_INSPECTOR_PORT = '--inspect-port=127.0.0.1:0';

export interface Heap {
  /** Of JavaScript objects and buffers, when all garbage is collected. */
  bytes(): Promise<number>;
  close(): void;
}

interface Told {
  readonly id?: number;
  readonly result?: { readonly result?: { readonly value: unknown } };
}

const BYTES = '(({ heapUsed, external }) => heapUsed + external)(process.memoryUsage())';

/** Once for each process. */
export async function openHeap(stack: Pick<TestStack, 'process' | 'logs'>, name: string): Promise<Heap> {
  const pid = stack.process(name).pid();
  if (pid === undefined) throw new Error(`${name} does not run`);
  const before = stack.logs().length;
  process.kill(pid, 'SIGUSR1');
  const addressOf = (): string | undefined =>
    stack
      .logs()
      .slice(before)
      .flatMap((line) => /Debugger listening on (ws:\S+)/.exec(line)?.[1] ?? [])[0];
  const address = await until(`${name} opens its inspector`, addressOf, Boolean);
  const socket = new WebSocket(address!);
  const waiting = new Map<number, (told: Told) => void>();
  socket.addEventListener('message', ({ data }) => {
    const told = JSON.parse(String(data)) as Told;
    waiting.get(told.id ?? 0)?.(told);
  });
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    socket.addEventListener('error', () => reject(new Error(`the inspector of ${name} cannot be reached`)));
  });
  let last = 0;
  function call(method: string, params: object = {}): Promise<Told> {
    last += 1;
    const { promise, resolve } = Promise.withResolvers<Told>();
    waiting.set(last, resolve);
    socket.send(JSON.stringify({ id: last, method, params }));
    return promise;
  }
  return {
    async bytes() {
      for (let times = 0; times < 3; times += 1) await call('HeapProfiler.collectGarbage');
      const { result } = await call('Runtime.evaluate', { expression: BYTES, returnByValue: true });
      return Number(result?.result?.value);
    },
    close: () => socket.close(),
  };
}
