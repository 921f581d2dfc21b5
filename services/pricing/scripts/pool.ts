import type { Clock } from '#shared/clock.ts';
import { putRecent } from '#shared/recent.ts';
import { Late } from '#shared/within.ts';
import type { Answers, Batch } from './batch.ts';
import { type Case, type Failed, ScriptFailure, type Strategy } from './contract.ts';
import type { ScriptLimits } from './limits.ts';
import { startThread, type Thread, ThreadEnded } from './thread-host.ts';

/** A call that waits for its thread. */
export interface Waiting {
  readonly strategy: Strategy;
  readonly cases: readonly Case[];
  readonly deadline: number;
  resolve(amounts: readonly number[]): void;
  reject(error: Error): void;
}

/** One thread and the calls for it; a thread that ended is replaced when the next call comes. */
export interface Lane {
  add(call: Waiting): void;
  close(): Promise<void>;
}

/** Cases of one message. */
const BATCH_CASES = 4_096;
/** Versions that looped when they were run last; the one that did longest ago is forgotten first. */
const MOST_LOOPING = 1_000;

export function createLane(limits: ScriptLimits, clock: Clock): Lane {
  const calls: Waiting[] = [];
  /** Those behind a loop, or asked when a thread ended: each is asked alone, in turns with the others, so that it harms only itself. */
  const suspects: Waiting[] = [];
  let thread: Thread | undefined;
  /** Versions that the thread was sent the source of. */
  const sent = new Set<string>();
  /** Their calls are suspects from the start: however many versions loop, others wait for one call of them at most. */
  const looping = new Map<string, true>();
  let isBusy = false;
  let isClosed = false;
  let wasSuspect = false;

  const start = (): void => {
    if (isBusy) return;
    isBusy = true;
    // What comes in the same turn goes with the same message.
    queueMicrotask(() => void work());
  };
  const work = async (): Promise<void> => {
    for (let batch = next(); batch.length > 0; batch = next()) await ask(batch);
    isBusy = false;
  };
  const next = (): readonly Waiting[] => {
    while (calls.length + suspects.length > 0) {
      wasSuspect = suspects.length > 0 && (!wasSuspect || calls.length === 0);
      const from = wasSuspect ? suspects.splice(0, 1) : taken(calls);
      const now = clock.now();
      const wanted = from.filter(({ deadline }) => deadline > now);
      if (wanted.length < from.length)
        for (const { deadline, reject } of from) if (deadline <= now) reject(new Late('nobody waits for it any more'));
      if (wanted.length > 0) return wanted;
    }
    return [];
  };
  const ask = async (batch: readonly Waiting[]): Promise<void> => {
    const groups = grouped(batch);
    if (!thread) {
      sent.clear();
      thread = startThread(limits, clock);
    }
    try {
      const message = batchOf(groups, sent);
      const told = await thread.ask({ batch: message }, [message.numbers.buffer]);
      if ('answers' in told) settle(groups, told.answers);
    } catch (error) {
      thread = undefined;
      lost(groups, error as Error);
    }
  };
  const settle = (groups: readonly (readonly Waiting[])[], { amounts, failures, missing, alone }: Answers): void => {
    const suspected = new Set(alone);
    const failed = new Map(failures.map(({ call, failed }) => [call, failed]));
    let at = 0;
    let from = 0;
    for (const [n, group] of groups.entries()) {
      const isMissing = missing.includes(n);
      if (isMissing) sent.delete(group[0]!.strategy.version);
      for (const call of group) {
        const fault = failed.get(at);
        if (isMissing) queue(call);
        else if (suspected.has(at)) suspects.push(call);
        else if (fault) fail(call, fault);
        else {
          looping.delete(call.strategy.version);
          call.resolve(Array.from(amounts.subarray(from, from + call.cases.length), (amount) => amount + 0));
        }
        at += 1;
        from += call.cases.length;
      }
    }
  };
  /** The thread ended: one call alone did it; of many the group whose turn it was is suspect, the others are asked again. */
  const lost = (groups: readonly (readonly Waiting[])[], error: Error): void => {
    const all = groups.flat();
    if (!(error instanceof ThreadEnded) || isClosed || error.why === 'closed' || error.why === 'unready') {
      for (const call of all) call.reject(error);
      return;
    }
    const [only, ...others] = all;
    if (only && others.length === 0) return fail(only, endedBy(error, limits));
    for (const [n, group] of groups.entries()) (n === error.group ? suspects : calls).push(...group);
  };

  const queue = (call: Waiting): void => void (looping.has(call.strategy.version) ? suspects : calls).push(call);
  const fail = ({ strategy: { version }, reject }: Waiting, failed: Failed): void => {
    if (failed.did === 'looped') putRecent(looping, version, true, MOST_LOOPING);
    reject(new ScriptFailure(failed));
  };

  return {
    add(call) {
      if (isClosed) return call.reject(new Error('scripts are closed'));
      queue(call);
      start();
    },
    async close() {
      isClosed = true;
      for (const call of [...calls.splice(0), ...suspects.splice(0)]) call.reject(new Error('scripts are closed'));
      await thread?.end();
    },
  };
}

/** What a thread's end says of the script that it ran. */
export function endedBy({ why, cause }: ThreadEnded, { stuckMs }: ScriptLimits): Failed {
  if (why === 'stuck') return { did: 'looped', message: `it did not stop: nothing moved in ${stuckMs} ms` };
  // The thread's own stack: the engine counts only a part of what its built-in functions take.
  if (cause instanceof RangeError && cause.message.includes('call stack'))
    return { did: 'stack', message: 'it called itself too deeply' };
  return { did: 'memory', message: 'its thread could not go on' };
}

function taken(calls: Waiting[]): readonly Waiting[] {
  let cases = 0;
  let many = 0;
  while (many < calls.length && (many === 0 || cases + calls[many]!.cases.length <= BATCH_CASES)) {
    cases += calls[many]!.cases.length;
    many += 1;
  }
  return calls.splice(0, many);
}

function grouped(calls: readonly Waiting[]): readonly (readonly Waiting[])[] {
  const groups = new Map<string, Waiting[]>();
  for (const call of calls) {
    const group = groups.get(call.strategy.version);
    if (group) group.push(call);
    else groups.set(call.strategy.version, [call]);
  }
  return [...groups.values()];
}

function batchOf(groups: readonly (readonly Waiting[])[], sent: Set<string>): Batch {
  const all = groups.flat();
  const numbers = new Float64Array(2 * all.reduce((sum, { cases }) => sum + cases.length, 0));
  let at = 0;
  for (const { cases } of all)
    for (const { quantity, price } of cases) {
      numbers[at++] = quantity;
      numbers[at++] = price;
    }
  return {
    numbers,
    groups: groups.map((group) => {
      const { version, source } = group[0]!.strategy;
      const isNew = !sent.has(version);
      sent.add(version);
      return { version, sizes: group.map(({ cases }) => cases.length), ...(isNew && { source }) };
    }),
  };
}
