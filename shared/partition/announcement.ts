import { z } from 'zod';
import type { Packet } from '#shared/bus/bus.ts';
import { InvalidMessage, reasonOf } from '#shared/errors.ts';

/** Topic: routing key = the service; what its workers tell each other. */
export { WORKERS } from '#shared/bus/topology/topology.ts';

const index = z.string().regex(/^\d{1,3}$/);
const count = z.int().nonnegative();
const rate = z.number().nonnegative();

const registration = z.object({
  /** Of the consumer at the broker; no other one ever had or gets it. */
  id: z.string().min(1),
  /** Made after this registration of the owner had been seen, so it is later in line. */
  behind: z.string().min(1).optional(),
});

const schema = z.object({
  kind: z.enum(['alive', 'leave']),
  worker: z.string().min(1).max(200),
  service: z.string().min(1),
  route: z.string().min(1),
  /** Of this run of the process. */
  incarnation: z.string().min(1),
  since: z.int(),
  draining: z.boolean(),
  /** The newest assignment that it acts by; 0: none. */
  tableVersion: count,
  /** Asks everybody to announce at once. */
  hello: z.literal(true).optional(),
  registrations: z.record(index, registration),
  /** What it can go on with that others may have begun, see `Entity.runs`. Absent: of a version that did not say. */
  runs: z.array(z.string().min(1).max(100)).max(100).optional(),
  rates: z.object({ handledPerS: rate }),
  partitions: z.record(index, z.object({ oldestMs: rate.nullable(), waitedMs: rate.nullable(), handledPerS: rate })),
});

export type Announcement = Readonly<z.infer<typeof schema>>;
export type PartitionRegistration = Readonly<z.infer<typeof registration>>;

export function encodeAnnouncement(announcement: Announcement): Packet {
  return {
    content: Buffer.from(JSON.stringify(announcement)),
    contentType: 'application/json',
    type: `worker.${announcement.kind}`,
    headers: {},
  };
}

/** Throws `InvalidMessage`. Ignores fields that it does not know: newer workers may say more. */
export function decodeAnnouncement({ content }: Packet): Announcement {
  try {
    return schema.parse(JSON.parse(content.toString()));
  } catch (error) {
    throw new InvalidMessage(`not an announcement of a worker: ${reasonOf(error)}`, { cause: error });
  }
}
