import { Double, Int32, Long } from 'bson';
import { MongoFailure } from '#local/mongo/protocol/failure.ts';

type Numeric = Int32 | Double | Long;

function numeric(value: unknown, operator: string, path: string): Numeric {
  if (value instanceof Int32 || value instanceof Double || value instanceof Long) return value;
  const found = value === null ? 'null' : ((value as { _bsontype?: string })._bsontype ?? typeof value);
  throw new MongoFailure(14, `${operator} cannot be applied to ${path}: it is ${found}, not an int, long or double`);
}

function exact(value: Int32 | Long): bigint {
  return value instanceof Int32 ? BigInt(value.value) : value.toBigInt();
}

/** `$inc` and `$mul`: a double with anything is a double; ints grow to longs; a long that would overflow is refused. */
export function arithmetic(operator: '$inc' | '$mul', path: string, current: unknown, operand: unknown): Numeric {
  const b = numeric(operand, operator, path);
  if (current === undefined) {
    if (operator === '$inc') return b;
    return b instanceof Int32 ? new Int32(0) : b instanceof Double ? new Double(0) : Long.ZERO;
  }
  const a = numeric(current, operator, path);
  if (a instanceof Double || b instanceof Double) {
    const [x, y] = [Number(a), Number(b)];
    return new Double(operator === '$inc' ? x + y : x * y);
  }
  const result = operator === '$inc' ? exact(a) + exact(b) : exact(a) * exact(b);
  if (a instanceof Int32 && b instanceof Int32 && result === BigInt.asIntN(32, result))
    return new Int32(Number(result));
  if (result !== BigInt.asIntN(64, result))
    throw new MongoFailure(2, `${operator} on ${path} overflows a 64-bit integer`);
  return Long.fromBigInt(result);
}
