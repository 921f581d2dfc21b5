import { z } from 'zod';
import type { Packet } from '#shared/bus/bus.ts';
import { reasonOf } from '#shared/errors.ts';

const identified = z.object({ id: z.string().min(1) });

/** What every reply on the exchange `control` has beside its own fields: the id of its request, and whether it was carried out. */
export type ControlReply<Done> =
  | ({ readonly id: string; readonly ok: true } & Done)
  | { readonly id: string; readonly ok: false; readonly problem: string };

/**
 * The reply to a request on the exchange `control`: what `carryOut` tells of it, or a problem, when the request is none or it throws.
 * Throws for what has no id or is no JSON: nobody could be answered.
 */
export async function controlReply<Request extends { readonly id: string }, Done>(
  packet: Packet,
  schema: z.ZodType<Request>,
  carryOut: (request: Request) => Promise<Done>,
): Promise<ControlReply<Done>> {
  const body: unknown = JSON.parse(packet.content.toString());
  const { id } = identified.parse(body);
  const parsed = schema.safeParse(body);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    return { id, ok: false, problem: problems.join('; ') };
  }
  try {
    return { id, ok: true, ...(await carryOut(parsed.data)) };
  } catch (error) {
    return { id, ok: false, problem: reasonOf(error) };
  }
}

/** A request or a reply as it travels. */
export function controlPacket(body: { readonly id: string }): Packet {
  return { content: Buffer.from(JSON.stringify(body)), contentType: 'application/json', headers: {} };
}
