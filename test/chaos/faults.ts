/** What goes wrong on a real stack. Each fault is drawn from the seed's stream, lasts a while and is healed. */
import { createServer } from 'node:net';
import type { Chaos, Draft, Fault } from './draft.ts';
import { executorFaults } from './executor-faults.ts';
import type { TestStack } from '#test/support/stack.ts';
import { brokerContents } from '#test/support/broker-contents.ts';
import { systemClock as clock } from '#shared/clock.ts';

/** Three heartbeats of a connection, after which the broker gives up on who is silent, and then some. */
const BEYOND_HEARTBEATS_MS = 17_000;

const nothing = (): void => {};

const KINDS: Readonly<Record<string, Draft>> = {
  'kill -9': (chaos) => {
    const target = anyService(chaos);
    return { target, lastsMs: 0, strike: () => void chaos.stack.process(target).kill('SIGKILL'), heal: nothing };
  },
  'stopped beyond the heartbeats': (chaos) => {
    const target = anyService(chaos);
    const pid = chaos.stack.process(target).pid();
    const send = (signal: NodeJS.Signals): void => {
      // Of this very process: one that was started since runs.
      if (pid !== undefined && chaos.stack.process(target).pid() === pid) chaos.stack.process(target).kill(signal);
    };
    return {
      target,
      lastsMs: BEYOND_HEARTBEATS_MS,
      strike: () => send('SIGSTOP'),
      heal: () => send('SIGCONT'),
    };
  },
  'asked to stop, started later': (chaos, lasts) => {
    const target = anyService(chaos);
    const process = chaos.stack.process(target);
    return { target, lastsMs: lasts(500, 4000), strike: () => process.stop(), heal: () => process.start() };
  },
  'cannot start': (chaos, lasts) => {
    const target = anyService(chaos);
    const process = chaos.stack.process(target);
    const occupant = createServer((socket) => socket.destroy());
    return {
      target,
      lastsMs: lasts(4000, 10_000),
      async strike() {
        await process.stop();
        const { promise, resolve } = Promise.withResolvers<void>();
        occupant.once('error', () => resolve());
        occupant.listen(Number(new URL(chaos.stack.urls[target] ?? '').port), '127.0.0.1', resolve);
        await promise;
        process.start();
      },
      async heal() {
        await new Promise((resolve) => {
          occupant.close(resolve);
        });
        // It may have been given up meanwhile.
        await process.stop();
        process.start();
      },
    };
  },
  'connections closed at the broker': (chaos) => {
    const target = anyService(chaos).replace(/-\d+$/, '');
    const broker = brokerContents(chaos.stack);
    return {
      target,
      lastsMs: 0,
      async strike() {
        const user = `${chaos.stack.vhost}.${target}`;
        for (const one of await broker.connections()) if (one.user === user) await broker.cut(one).catch(nothing);
      },
      heal: nothing,
    };
  },
  'network to the broker reset': ({ stack }, lasts) => ({
    target: 'broker',
    lastsMs: lasts(0, 3000),
    strike: () => stack.relays?.broker.cut({ stayDown: true }),
    heal: () => stack.relays?.broker.restore(),
  }),
  'network to the broker is a black hole': ({ stack }, lasts) => ({
    target: 'broker',
    lastsMs: lasts(3000, BEYOND_HEARTBEATS_MS),
    strike: () => stack.relays?.broker.freeze(),
    heal: () => stack.relays?.broker.cut(),
  }),
  'broker stopped': ({ stack }, lasts) => restarted(stack, 'broker', lasts(0, 4000)),
  'broker killed': ({ stack }) => killed(stack, 'broker'),
  'database stopped': ({ stack }, lasts) => restarted(stack, 'database', lasts(1000, 10_000)),
  'database killed': ({ stack }) => killed(stack, 'database'),
  'network to the database reset': ({ stack }, lasts) => ({
    target: 'database',
    lastsMs: lasts(0, 5000),
    strike: () => stack.relays?.database.cut({ stayDown: true }),
    heal: () => stack.relays?.database.restore(),
  }),
  'mail server refuses': ({ stack }, lasts) => ({
    target: 'mail server',
    lastsMs: lasts(3000, 15_000),
    strike: () => stack.relays?.mailServer.cut({ stayDown: true, lastWords: '421 not now\r\n' }),
    heal: () => stack.relays?.mailServer.restore(),
  }),
  'nothing consumed beyond the TTL': (chaos) => {
    const services = ['payment', 'wallet', 'order', 'delivery', 'notify'];
    const target = services[Math.floor(chaos.draw() * services.length)]!;
    return {
      target,
      lastsMs: chaos.beyondTtlMs,
      // Whoever is away hears nothing of it.
      strike: async () => void (await setFaults(chaos.stack, target, { pauseConsuming: true })),
      heal: () => clearFaults(chaos.stack, target),
    };
  },
  ...executorFaults,
};

const faultKinds: readonly string[] = Object.keys(KINDS);

/** The next fault; every kind comes before one comes again. */
export function createFaults(chaos: Chaos): () => Fault {
  let left: string[] = [];
  const lasts = (fromMs: number, toMs: number): number => Math.round(fromMs + chaos.draw() * (toMs - fromMs));
  return () => {
    if (left.length === 0) left = [...faultKinds];
    const [kind] = left.splice(Math.floor(chaos.draw() * left.length), 1);
    return { kind: kind!, ...KINDS[kind!]!(chaos, lasts) };
  };
}

function anyService({ stack, draw }: Chaos): string {
  const names = Object.keys(stack.urls).toSorted();
  return names[Math.floor(draw() * names.length)]!;
}

function restarted(stack: TestStack, target: string, lastsMs: number): Omit<Fault, 'kind'> {
  const process = stack.process(target);
  return { target, lastsMs, strike: () => process.stop(), heal: () => process.start() };
}

function killed(stack: TestStack, target: string): Omit<Fault, 'kind'> {
  return { target, lastsMs: 0, strike: () => void stack.process(target).kill('SIGKILL'), heal: nothing };
}

/** Only who is known to be there is waited for, so everybody has to be. */
async function clearFaults(stack: TestStack, service: string): Promise<void> {
  const copies = Object.keys(stack.urls).filter((name) => name.replace(/-\d+$/, '') === service);
  for (;;) {
    const answer = await stack.api
      .get<{ readonly items: readonly { readonly service: string }[] }>('/v1/workers')
      .catch(() => undefined);
    const known = answer?.status === 200 ? answer.body.items.filter((worker) => worker.service === service) : [];
    if (known.length >= copies.length && (await setFaults(stack, service, {}))) return;
    await clock.sleep(500);
  }
}

async function setFaults({ api }: TestStack, service: string, faults: object): Promise<boolean> {
  const answer = await api.put(`/v1/faults/${service}`, faults).catch(() => undefined);
  return answer?.status === 200;
}
