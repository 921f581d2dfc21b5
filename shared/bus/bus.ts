/**
 * The port to the broker. Two implementations, `amqp.ts` and `memory.ts`, pass one conformance suite. It speaks of
 * packets (undecoded) because some of them are not ours; `envelope.ts` turns them into messages.
 */
export type HeaderValue = string | number | boolean | HeaderTable | readonly HeaderValue[];
export interface HeaderTable {
  readonly [name: string]: HeaderValue;
}

export interface Packet {
  readonly content: Buffer;
  readonly contentType?: string;
  readonly type?: string;
  readonly messageId?: string;
  readonly correlationId?: string;
  readonly headers: HeaderTable;
}

/** A packet from a queue, valid only on the channel that brought it. */
export interface Delivery {
  readonly packet: Packet;
  readonly queue: string;
  readonly redelivered: boolean;
  /** Increases by one per delivery of this consumer's channel; starts again at 1 on a new channel. */
  readonly tag: number;
  /** The channel that brought it: a number that no other channel of this process had or gets. */
  readonly channel: number;
}

export interface ConsumeOptions {
  readonly prefetch: number;
  /** The name under which the broker's management shows the registration. */
  readonly tag?: string;
  /** Registered at the broker: the first time, and again after every lost channel. */
  readonly onRegistered?: () => void;
  /** Gets the registration with each delivery, because it may be called before `consume` has resolved. Must not throw. */
  readonly onDelivery: (delivery: Delivery, consumer: Consumer) => void;
  /**
   * The channel is gone, and with it the right to acknowledge: whatever came on it will be delivered again, perhaps elsewhere.
   * Not called for `close`.
   */
  readonly onChannelLost: (channel: number) => void;
}

/** A registration on one queue with a channel of its own. After a lost channel it registers again by itself, with backoff. */
export interface Consumer {
  readonly queue: string;
  /** True while registered at the broker. */
  readonly active: boolean;
  /** Acknowledges; those of a channel that is gone are dropped silently. Uses one `multiple` ack where tags allow it. */
  ack(deliveries: readonly Delivery[]): void;
  /**
   * Closes the channel: the broker takes back in place, and in order, what was not acknowledged. Idempotent. Many single
   * acknowledgements right before it may not count any more (RabbitMQ 3.10): those messages come again, before the rest.
   */
  close(): Promise<void>;
}

/** A way for what may be lost: transient, unconfirmed, at most once. It has a channel of its own, made again when it is lost. */
export interface Post {
  /** Throws `PublishError` when it is not sent at all: no connection, no right, or what can never be sent. */
  send(exchange: string, packet: Packet, routingKey?: string): void;
  close(): Promise<void>;
}

export interface Bus {
  /**
   * Publishes persistent and mandatory; resolves when the broker confirmed it. Pushes back by waiting when too many are
   * outstanding. Rejects with `PublishError`; a lost connection rejects at once, nothing is buffered for later. What can never be
   * sent (no right, too long) is `nacked` before it is, and disturbs nobody.
   */
  publish(exchange: string, packet: Packet, routingKey?: string): Promise<void>;
  /**
   * Resolves once registered at the broker for the first time. Rejects with `BrokerRefusal` when the queue does not exist
   * (`missing`) or may not be read (`forbidden`); a broker that is not there is waited for.
   */
  consume(queue: string, options: ConsumeOptions): Promise<Consumer>;
  /** A private copy of what is broadcast on `exchange` from now on (exclusive server-named queue, remade after a reconnect; at most once). */
  subscribe(
    exchange: string,
    routingKeys: readonly string[],
    onPacket: (packet: Packet, routingKey: string) => void,
  ): Promise<{ close(): Promise<void> }>;
  /** `onReturned` is told of what was sent where nothing is bound. */
  post(onReturned: (packet: Packet, exchange: string) => void): Post;
  /** A connection of its own, for a caller that must notice when it is lost: it never reconnects, so nothing is carried over. */
  session(): Promise<Session>;
  /** Both connections are up and every consumer is registered. */
  readonly connected: boolean;
  /** Why the broker takes nothing from anybody now (an alarm about memory or disk); `undefined`: it does, as far as is known. */
  readonly blocked: string | undefined;
  close(): Promise<void>;
}

export interface QueueSpec {
  readonly name: string;
  readonly type: 'quorum' | 'classic';
  readonly exclusive?: boolean;
  /** Queue arguments, `x-queue-type` excepted. */
  readonly arguments: HeaderTable;
}

export interface ExchangeSpec {
  readonly name: string;
  readonly type: 'fanout' | 'topic' | 'direct' | 'x-consistent-hash';
  readonly arguments: HeaderTable;
}

export interface BindingSpec {
  readonly source: string;
  readonly destination: string;
  readonly to: 'queue' | 'exchange';
  /** For a consistent-hash source: the weight, `'1'`. */
  readonly routingKey: string;
}

/** One connection with one confirm channel. Every method rejects once it is `closed`. */
export interface Session {
  declareExchange(spec: ExchangeSpec): Promise<void>;
  /** Rejects with code `locked` when another connection holds it exclusively. Returns the name (the server's, for ''). */
  declareQueue(spec: QueueSpec): Promise<string>;
  bind(binding: BindingSpec): Promise<void>;
  unbind(binding: BindingSpec): Promise<void>;
  publish(exchange: string, packet: Packet, routingKey?: string): Promise<void>;
  /** Takes the head of a queue without consuming; `undefined`: empty, or its only message is held by someone. */
  get(queue: string): Promise<Delivery | undefined>;
  consume(queue: string, prefetch: number, onDelivery: (delivery: Delivery) => void): Promise<void>;
  ack(delivery: Delivery): void;
  /** Requeues, to its old place. */
  release(delivery: Delivery): void;
  depth(queue: string): Promise<number>;
  /** Resolves when the connection ended, for whatever reason. */
  readonly closed: Promise<void>;
  close(): Promise<void>;
}

/** What must exist on the broker, as data. Built by `topology.ts` from the route table, applied by `provision.ts` or the in-memory broker. */
export interface Topology {
  readonly exchanges: readonly ExchangeSpec[];
  readonly queues: readonly QueueSpec[];
  /** In the order in which they must be made. */
  readonly bindings: readonly BindingSpec[];
  readonly gates: readonly GateSpec[];
  readonly policies: readonly PolicySpec[];
  readonly users: readonly UserSpec[];
}

/** Bindings that provisioning makes only as long as the queue `state` does not exist, which it declares after them. Afterwards they belong to the breaker. */
export interface GateSpec {
  readonly bindings: readonly BindingSpec[];
  /** Fanout exchange and one-message queue of this name. */
  readonly state: string;
}

export interface PolicySpec {
  readonly name: string;
  readonly pattern: string;
  readonly priority: number;
  readonly definition: HeaderTable;
}

/** A service's broker user, named `<vhost>.<service>`. The three expressions are RabbitMQ permissions: configure, write, read. */
export interface UserSpec {
  readonly name: string;
  readonly service: string;
  readonly tags: readonly string[];
  readonly configure: string;
  readonly write: string;
  readonly read: string;
  readonly topics: readonly TopicRight[];
}

/** Which routing keys of a topic exchange a user may write, and which it may bind. */
export interface TopicRight {
  readonly exchange: string;
  readonly write: string;
  readonly read: string;
}
