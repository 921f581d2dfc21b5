import { move, type MovingOptions } from './moving.ts';
import { isEvidence, isWake, parkingOf } from './placing.ts';
import type { Delivery } from '#shared/bus/bus.ts';
import { isQuestion } from '#shared/question/wire.ts';
import { expired } from '#shared/bus/topology/topology.ts';

export interface ParkingOptions extends MovingOptions {
  /** How often a message is put back before it becomes a dead letter. */
  readonly maxRedrives: number;
  /** A message that nobody took in time has arrived; told before it is moved. */
  readonly onExpired: () => void;
  /** A message lies in `<route>.parked`. */
  readonly onParked: () => void;
}

export interface Parking {
  /** It holds as much as it may: what expires now is not seen. */
  readonly full: boolean;
}

/** Messages of one route that may be on their way at once. */
export const PARKING_PREFETCH = 200;

/** Takes what comes to `<route>.expired`: counts it on arrival, then parks it. Resolves once registered. */
export async function startParking(options: ParkingOptions): Promise<Parking> {
  const { route, session, clock, ended, maxRedrives, onExpired, onParked } = options;
  let held = 0;

  async function park(delivery: Delivery): Promise<void> {
    held += 1;
    const placing = parkingOf(route, delivery.packet, maxRedrives, clock.now());
    const moved = await move(options, delivery, placing);
    held -= 1;
    if (moved && placing.deadBecause === undefined) onParked();
  }

  await session.consume(expired(route), PARKING_PREFETCH, (delivery) => {
    if (ended.aborted) return;
    if (isWake(delivery.packet)) {
      session.ack(delivery);
      return;
    }
    if (isEvidence(route, delivery.packet)) onExpired();
    // Nobody waits for its answer any more.
    if (isQuestion(delivery.packet)) {
      session.ack(delivery);
      return;
    }
    // Rejects for a bug only, which must not be silent.
    void park(delivery);
  });
  return {
    get full() {
      return held >= PARKING_PREFETCH;
    },
  };
}
