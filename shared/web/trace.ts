import type { Clock } from '#shared/clock.ts';

/** The trace that a request belongs to (W3C Trace Context, level 1). */
export interface Trace {
  readonly traceId: string;
  /** Our own span in it: what goes into every message that the request causes. */
  readonly traceparent: string;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** Continues the caller's trace, or starts one when the header is absent or invalid. */
export function traceOf(header: string | undefined, clock: Clock): Trace {
  const [, version, traceId, parentId, flags, rest] = TRACEPARENT.exec(header ?? '') ?? [];
  const spanId = hex(clock).slice(16);
  const usable =
    version !== undefined &&
    version !== 'ff' &&
    !(version === '00' && rest !== undefined) &&
    !/^0+$/.test(traceId ?? '0') &&
    !/^0+$/.test(parentId ?? '0');
  if (!usable) {
    const started = hex(clock);
    return { traceId: started, traceparent: `00-${started}-${spanId}-01` };
  }
  return { traceId: traceId ?? '', traceparent: `00-${traceId}-${spanId}-${flags}` };
}

/** The trace that a message belongs to, by its trace context. */
export function traceIdOf(traceparent: string | undefined): string | undefined {
  return traceparent?.split('-')[1];
}

/** 32 hexadecimal digits, the last 15 of them random (the specification asks for the rightmost 7 bytes). */
function hex(clock: Clock): string {
  return clock.id().replaceAll('-', '');
}
