/** A simulated operating-system process: everything that it does goes through ports, at each of which it may die, stand still or be failed. */
import type { Faults } from './faults.ts';
import { busThrough, type Outside, outsideThrough } from './host-ports.ts';
import type { Scheduler } from './scheduler.ts';
import { CLOCK_ERROR_MS } from './settings.ts';
import { clockFrom, type Clock } from '#shared/clock.ts';
import type { Bus } from '#shared/bus/bus.ts';
import type { MemoryBroker } from '#shared/bus/memory/memory-bus.ts';

/** A connection that is silent for so long is cut by the broker, ms: three heartbeats of 3 s. */
const HEARTBEATS_MS = 9000;

export interface Host extends Outside {
  readonly name: string;
  /** Of this life: its timers stop with it. */
  readonly clock: Clock;
  readonly bus: Bus;
}

export interface Town {
  readonly scheduler: Scheduler;
  readonly broker: MemoryBroker;
  readonly faults: Faults;
  readonly tell: (line: string) => void;
}

export interface Machine {
  readonly name: string;
  readonly alive: boolean;
  /** kill -9; it starts again after `downMs`, or after a while. */
  kill(downMs?: number): void;
  /** SIGSTOP, SIGCONT after `ms`. */
  pause(ms: number): void;
  /** From now on its time is wrong by so much. */
  setClock(skewMs: number): void;
  /** SIGTERM: what `start` returned is run, then it starts again. */
  retire(): void;
}

/** Starts `start` now and after every end. What `start` resolves with is its orderly stop. */
export function createMachine(town: Town, name: string, start: (host: Host) => Promise<() => Promise<void>>): Machine {
  const { scheduler, broker, faults, tell } = town;
  const { clock: time, between } = scheduler;
  let lives = 0;
  let life = begin();

  function begin() {
    lives += 1;
    const connection = `${name}#${lives}`;
    let alive = true;
    let paused = false;
    let skewMs = scheduler.chance() < 0.5 ? 0 : between(-CLOCK_ERROR_MS, CLOCK_ERROR_MS);
    let waiting: (() => void)[] = [];
    let stop: (() => Promise<void>) | undefined;

    /** Lets something into the process: later when it stands still, never when it is dead. */
    function enter(run: () => void): void {
      if (!alive) return;
      if (paused) waiting.push(run);
      else run();
    }

    function into<T>(promise: Promise<T>): Promise<T> {
      return new Promise((resolve, reject) => {
        promise.then(
          (value) => enter(() => resolve(value)),
          (error: Error) => enter(() => reject(error)),
        );
      });
    }

    const never = <T>(): Promise<T> => new Promise(() => {});

    function end(how: string, downMs = between(200, 3000)): void {
      if (!alive) return;
      alive = false;
      waiting = [];
      tell(`${name} ${how}`);
      broker.dropConnection(connection, { stayDown: true, inFlight: scheduler.chance() < 0.5 ? 'arrives' : 'is-lost' });
      void raw.close();
      time.after(downMs, () => {
        life = begin();
      });
    }

    /** Every call to a port passes here. */
    function port<T>(run: () => Promise<T>): Promise<T> {
      if (!alive) return never();
      if (faults.strikes('crash at a port call')) {
        end('is killed');
        return never();
      }
      if (faults.strikes('pause')) pause(between(100, 15_000));
      if (faults.strikes('connection lost')) lose();
      if (faults.strikes('clock jumps')) skewMs = between(-CLOCK_ERROR_MS, CLOCK_ERROR_MS);
      const result = run();
      if (faults.strikes('crash after a port call took effect')) {
        result.catch(() => {});
        time.after(between(0, 5), () => end('is killed'));
      }
      return into(result);
    }

    function lose(): void {
      tell(`${name} loses its connections`);
      broker.dropConnection(connection, { inFlight: scheduler.chance() < 0.5 ? 'arrives' : 'is-lost' });
    }

    function pause(ms: number): void {
      if (!alive || paused) return;
      paused = true;
      tell(`${name} stands still for ${ms} ms`);
      if (ms > HEARTBEATS_MS)
        time.after(HEARTBEATS_MS, () => alive && broker.dropConnection(connection, { stayDown: true }));
      time.after(ms, () => {
        if (!alive) return;
        if (ms > HEARTBEATS_MS) broker.restore(connection);
        paused = false;
        const late = waiting;
        waiting = [];
        for (const run of late) enter(run);
      });
    }

    const clock = clockFrom({
      now: () => time.now() + skewMs,
      elapsed: time.elapsed,
      random: time.random,
      after: (ms, run) => time.after(ms, () => enter(run)),
      soon: (run) => time.soon(() => enter(run)),
    });

    const raw = broker.connect(connection);
    const host: Host = {
      name,
      clock,
      bus: busThrough(raw, { enter, into, port }),
      ...outsideThrough({ scheduler, faults }, port),
    };

    start(host).then(
      (orderly) => {
        stop = orderly;
      },
      (error: unknown) => tell(`${name} could not start: ${String(error)}`),
    );

    return {
      get alive() {
        return alive;
      },
      end,
      pause,
      setClock(ms: number) {
        skewMs = ms;
      },
      retire() {
        if (!alive || stop === undefined) return;
        tell(`${name} is asked to stop`);
        void stop().then(() => end('has stopped'));
        stop = undefined;
      },
    };
  }

  return {
    name,
    get alive() {
      return life.alive;
    },
    kill: (downMs) => life.end('is killed', downMs),
    pause: (ms) => life.pause(ms),
    setClock: (skewMs) => life.setClock(skewMs),
    retire: () => life.retire(),
  };
}
