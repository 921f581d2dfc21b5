import type { QuickJSWASMModule } from 'quickjs-emscripten-core';
import { unfitAmount } from './amount.ts';
import type { Answers, Batch, Group } from './batch.ts';
import type { Failed } from './contract.ts';
import type { ScriptLimits } from './limits.ts';
import { compile, type Realm } from './realm.ts';

/** Runs batches where it is called; keeps what it compiled, up to a number and a size. */
export interface Running {
  run(batch: Batch): Answers;
  /** How many scripts are compiled now, and how often one was. */
  readonly compiled: { readonly now: number; readonly ever: number };
}

type Fail = (call: number, failed: Failed) => void;
/** What becomes of a group: all answered, or not here without its source, or alone from this call on. */
type GroupEnd = 'answered' | 'missing' | { readonly aloneFrom: number };

/** What is told to whoever watches the thread. */
export interface Watched {
  /** Something went on: it is not stuck. */
  moved(): void;
  /** The group whose turn it is. */
  turn(group: number): void;
}

const UNWATCHED: Watched = { moved() {}, turn() {} };

export function createRunning(engine: QuickJSWASMModule, limits: ScriptLimits, watched: Watched = UNWATCHED): Running {
  const { moved } = watched;
  /** The one not used for longest stands first. */
  const realms = new Map<string, Realm>();
  let bytes = 0;
  let ever = 0;

  const drop = (version: string): void => {
    const realm = realms.get(version);
    realms.delete(version);
    bytes -= realm?.bytes ?? 0;
    realm?.dispose();
  };
  const realmOf = (version: string, source: string | undefined): Realm | Failed | undefined => {
    const known = realms.get(version);
    if (known) {
      realms.delete(version);
      realms.set(version, known);
      return known;
    }
    if (source === undefined) return undefined;
    const fresh = compile(engine, source, limits, moved);
    moved();
    if ('problems' in fresh) return { did: 'threw', ...fresh.problems[0]! };
    ever += 1;
    realms.set(version, fresh);
    bytes += fresh.bytes;
    for (const oldest of realms.keys()) {
      if (realms.size <= limits.compiledScripts && bytes <= limits.compiledBytes) break;
      if (oldest !== version) drop(oldest);
    }
    return fresh;
  };

  /** A script that looped has had the time of one call: what is behind it waits for turns of its own, and others do not wait. */
  const runGroup = (
    { version, source: came, sizes }: Group,
    given: Float64Array,
    amounts: Float64Array,
    fail: Fail,
  ): GroupEnd => {
    const first = realmOf(version, came);
    if (first === undefined) return 'missing';
    const source = came ?? ('did' in first ? undefined : first.source);
    let from = 0;
    let call = 0;
    while (call < sizes.length) {
      const realm = realmOf(version, source);
      if (realm === undefined || 'did' in realm) {
        for (const failed = realm as Failed; call < sizes.length; call += 1) fail(call, failed);
        return 'answered';
      }
      const failed = realm.run(given.subarray(2 * from), amounts.subarray(from));
      moved();
      const ended = failed ? callAt(sizes, call, failed.at) : { call: sizes.length, before: amounts.length - from };
      judge(sizes, call, ended.call, amounts.subarray(from), limits.amount, fail);
      from += ended.before;
      if (!failed) return 'answered';
      const isFirst = ended.call === call;
      call = ended.call;
      if (failed.did !== 'threw' && failed.did !== 'result') drop(version);
      // Behind others in the run it had not the time for itself.
      if (failed.did === 'looped' && !isFirst) return { aloneFrom: call };
      fail(call, { ...failed, at: failed.at - ended.before });
      from += sizes[call]!;
      call += 1;
      if (failed.did === 'looped') return { aloneFrom: call };
    }
    return 'answered';
  };

  return {
    get compiled() {
      return { now: realms.size, ever };
    },
    run({ groups, numbers }) {
      const amounts = new Float64Array(numbers.length / 2);
      const failures: { readonly call: number; readonly failed: Failed }[] = [];
      const missing: number[] = [];
      const alone: number[] = [];
      let calls = 0;
      let from = 0;
      for (const [at, group] of groups.entries()) {
        const cases = group.sizes.reduce((sum, size) => sum + size, 0);
        watched.turn(at);
        const firstCall = calls;
        const end = runGroup(
          group,
          numbers.subarray(2 * from, 2 * (from + cases)),
          amounts.subarray(from, from + cases),
          (call, failed) => failures.push({ call: firstCall + call, failed }),
        );
        if (end === 'missing') missing.push(at);
        if (typeof end === 'object')
          for (let call = end.aloneFrom; call < group.sizes.length; call += 1) alone.push(firstCall + call);
        calls += group.sizes.length;
        from += cases;
      }
      return { amounts, failures, missing, alone };
    },
  };
}

/** In which call the case is, counted from the first case of `call`, and how many cases stand before that call. */
function callAt(
  sizes: readonly number[],
  call: number,
  at: number,
): { readonly call: number; readonly before: number } {
  let before = 0;
  let each = call;
  while (at >= before + sizes[each]!) {
    before += sizes[each]!;
    each += 1;
  }
  return { call: each, before };
}

/** Fails the calls of which an amount is none. */
function judge(
  sizes: readonly number[],
  from: number,
  to: number,
  amounts: Float64Array,
  largest: number,
  fail: Fail,
): void {
  let n = 0;
  for (let call = from; call < to; call += 1) {
    const end = n + sizes[call]!;
    for (let at = 0; n < end; n += 1, at += 1) {
      const message = unfitAmount(amounts[n]!, largest);
      if (message === undefined) continue;
      fail(call, { did: 'result', message, at });
      n = end;
    }
  }
}
