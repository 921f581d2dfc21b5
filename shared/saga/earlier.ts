import type { Begun, StepRecord } from './state.ts';

/** So many records of earlier tries are kept: with more, a saga of many parts would outgrow its document. */
const KEPT_RECORDS = 40;

type Earlier = Pick<Begun, 'earlier' | 'numbers'>;

/** With the records of a try that has ended. Of too many the oldest go, but never a refusal: refusals are what tries are counted by. */
export function withTry({ earlier = [], numbers = {} }: Earlier, records: readonly StepRecord[]): Earlier {
  const tries = [...earlier, records];
  let over = tries.flat().length - KEPT_RECORDS;
  if (over <= 0) return { earlier: tries, ...(Object.keys(numbers).length > 0 && { numbers }) };
  const left = { ...numbers };
  const kept = tries.map((one) =>
    one.filter((record) => {
      if (over <= 0 || record.end === 'refused') return true;
      over -= 1;
      left[record.name] = record.number ?? 1;
      return false;
    }),
  );
  return { earlier: kept, numbers: left };
}

/** The number of the step's next message. Absent: it is the first. */
export function nextNumberOf({ earlier = [], numbers = {} }: Earlier, name: string): number | undefined {
  const before = earlier.flat().findLast((record) => record.name === name);
  const last = Math.max(numbers[name] ?? 0, before === undefined ? 0 : (before.number ?? 1));
  return last === 0 ? undefined : last + 1;
}
