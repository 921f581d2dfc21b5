import { createLeading, type OrderQueue, type Progress } from './leading.ts';
import { createMember, OtherNumber, type Member, type MemberStore } from './member.ts';
import type { Standing } from './standing.ts';
import { peerMessage } from './peer-message.ts';
import type { RaftMessage } from './raft/state.ts';
import { LIMITS, TIMING } from './timing.ts';
import type { Bus } from '#shared/bus/bus.ts';
import { jsonIn } from '#shared/bus/json-in.ts';
import { CONTROL, peerKey } from '#shared/bus/topology/topology.ts';
import type { Clock } from '#shared/clock.ts';
import { limited } from '#shared/database/limited.ts';
import { PublishError, reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';

export interface ExecutorsOptions {
  /** All that are configured. */
  readonly members: readonly string[];
  /** The order in which this process asks for them, and how many it runs at most. */
  readonly wanted: readonly string[];
  readonly most: number;
  /** Makes all that are configured known. Rejects with `OtherNumber` when there are more of them, or fewer, than here. */
  readonly enrol: (ids: readonly string[]) => Promise<void>;
  readonly claim: (id: string) => Promise<MemberStore | undefined>;
  readonly queue: OrderQueue;
  readonly bus: Pick<Bus, 'subscribe' | 'post'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly onRole?: (id: string, standing: Standing) => void;
}

export interface Executors {
  /** Those that this process runs at present. */
  readonly running: () => readonly Member[];
  /** Of the queue, as the leader sees it; `undefined`: it is not in this process. */
  readonly progress: () => Progress | undefined;
  stop(): Promise<void>;
}

const CLAIM_EVERY_MS = 1000;
const SERVICE = 'executor';

/** The executors of this process. What they tell each other goes over `control`, at most once, also to those in the same process. */
export function startExecutors(options: ExecutorsOptions): Executors {
  const { members, wanted, most, bus, clock, log, onRole } = options;
  const { enrol, claim } = limited({ enrol: options.enrol, claim: options.claim }, clock);
  const queue = limited(options.queue, clock);
  const stopping = new AbortController();
  const running = new Map<
    string,
    { readonly member: Member; readonly progress: () => Progress | undefined; stop(): Promise<void> }
  >();
  const post = bus.post(() => {});

  function send(message: RaftMessage): void {
    const packet = {
      content: Buffer.from(JSON.stringify(message)),
      contentType: 'application/json',
      type: `raft.${message.kind}`,
      headers: {},
    };
    try {
      post.send(CONTROL, packet, peerKey(SERVICE, message.to));
    } catch (error) {
      // Who is not reached is asked again.
      if (!(error instanceof PublishError)) throw error;
    }
  }

  async function start(id: string, store: MemberStore): Promise<void> {
    const config = { ...TIMING, ...LIMITS, id, members };
    let hear = (_: RaftMessage): void => {};
    const listening = bus.subscribe(CONTROL, [peerKey(SERVICE, id)], ({ content }) => {
      const parsed = peerMessage.safeParse(jsonIn(content));
      if (parsed.success && parsed.data.to === id) hear(parsed.data);
    });
    const subscription = await listening.catch(async (error: unknown) => {
      // One that hears nobody is none.
      await store.release().catch(() => {});
      throw error;
    });
    const member = createMember({
      config,
      store,
      clock,
      log,
      send,
      onRole: (standing) => onRole?.(id, standing),
      onCounted: () => leading.counted(),
    });
    ({ hear } = member);
    const leading = createLeading({ member, queue, clock, log });
    const one = {
      member,
      progress: leading.progress,
      async stop() {
        await leading.stop();
        await member.stop();
        await subscription.close();
        running.delete(id);
      },
    };
    running.set(id, one);
    void member.ended.then(() => (stopping.signal.aborted ? undefined : one.stop()));
  }

  async function claiming(): Promise<void> {
    let isEnrolled = false;
    let isTold = false;
    while (!stopping.signal.aborted) {
      try {
        if (!isEnrolled) await enrol(members);
        isEnrolled = true;
      } catch (error) {
        log.debug('the executors cannot be made known', { reason: reasonOf(error) });
        if (error instanceof OtherNumber && !isTold) log.error(error.message);
        isTold ||= error instanceof OtherNumber;
      }
      for (const id of isEnrolled ? wanted : []) {
        if (running.size >= most || stopping.signal.aborted) break;
        if (running.has(id)) continue;
        try {
          const store = await claim(id);
          if (store !== undefined) await start(id, limited(store, clock));
        } catch (error) {
          log.debug(`${id} cannot be taken`, { reason: reasonOf(error) });
        }
      }
      await clock.sleep(CLAIM_EVERY_MS, stopping.signal).catch(() => {});
    }
  }

  const asking = claiming();
  return {
    running: () => [...running.values()].map(({ member }) => member),
    progress: () => [...running.values()].map(({ progress }) => progress()).find((one) => one !== undefined),
    async stop() {
      stopping.abort();
      await asking;
      await Promise.all([...running.values()].map((one) => one.stop()));
      await post.close();
    },
  };
}
