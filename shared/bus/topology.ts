import type { Topology } from './bus.ts';

/** Who runs on the broker and may send what to whom. */
export interface RouteTable {
  readonly partitions: number;
  /** Command inboxes. Each gets `<route>.in`, `.half`, `.hash`, its partition queues, `.delay`, `.expired`, `.parked`, `.dead`, `.state`. */
  readonly routes: readonly string[];
  readonly services: { readonly [name: string]: ServiceRights };
}

export interface ServiceRights {
  /** The route that it consumes; it may also write to that route's `.hash` (wake) and `.dead`. */
  readonly route?: string;
  /** Routes that it sends commands to: `<route>.in`, and `<route>.hash` for undo. */
  readonly commands?: readonly string[];
  /** Routes that it answers: `<route>.hash`. */
  readonly answers?: readonly string[];
  /** May broadcast on `control` (fault injection) and hear the acknowledgements. */
  readonly controls?: boolean;
  /** May bind the gate, read what expired and park it. */
  readonly breaker?: boolean;
}

/** Times of the queues; changed by policy, never by argument. */
export interface Timing {
  readonly ttlMs: number;
  readonly delayMs: number;
}

export type { Topology };
