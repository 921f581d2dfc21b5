/** Who runs on the broker and may send what to whom. */
export interface RouteTable {
  readonly partitions: number;
  /** Command inboxes. Each gets `<route>.in`, `.half`, `.hash`, its partition queues, `.delay`, `.expired`, `.parked`, `.dead`, `.state`. */
  readonly routes: readonly string[];
  /** Names for several routes: what is published to `<name>.hash` reaches the partition of its key in each of them. */
  readonly audiences?: { readonly [name: string]: readonly string[] };
  readonly services: { readonly [name: string]: ServiceRights };
}

export interface ServiceRights {
  /** A publisher that is not ours: it may write to `<route>.in` of its `commands`, behind the gate, and nothing else. */
  readonly external?: true;
  /** The route that it consumes; it may also write to that route's `.hash` (wake) and `.dead`. */
  readonly route?: string;
  /** Routes that it sends commands to: `<route>.in`, and `<route>.hash` for undo. */
  readonly commands?: readonly string[];
  /** It takes requests for all services: it may send the commands that their APIs submit, and ask what they ask. */
  readonly fronts?: boolean;
  /** Routes and audiences that it answers: `<name>.hash`. */
  readonly answers?: readonly string[];
  /** Audiences of its own making: see `RouteTable`. */
  readonly audiences?: { readonly [name: string]: readonly string[] };
  /** News that its route receives: routing keys of `events`, `<route>.<event>` or `<route>.*`. */
  readonly hears?: readonly string[];
  /** Its route answers questions: it gets `<route>.ask`, `.asked` and a queue of questions for each partition. */
  readonly answersQuestions?: boolean;
  /** Routes that it asks questions: `<route>.ask`. */
  readonly questions?: readonly string[];
  /** Subjects that it asks others about on `control`: it sends `<subject>.request` and hears `<subject>.reply`. */
  readonly asks?: readonly string[];
  /** The subject that it is asked about. */
  readonly answersAbout?: string;
  /** Its parts tell each other on `control`, under `<service>.peer.<name>`. */
  readonly hasPeers?: boolean;
  /** May make every service misbehave, and hears that it does. */
  readonly injectsFaults?: boolean;
  /** Hears the workers of every service. */
  readonly watchesWorkers?: boolean;
  /** What it may do with an exchange or queue of every route, by the end of its name: `hash`, `dead`, `expired`. */
  readonly everyRoute?: { readonly write?: readonly string[]; readonly read?: readonly string[] };
  /** Names of its own on the broker. */
  readonly names?: {
    readonly configure?: readonly string[];
    readonly write?: readonly string[];
    readonly read?: readonly string[];
  };
  /** May read the management API. */
  readonly management?: boolean;
}

/** Publishers that are not ours, by name: each names the routes that it may publish to. */
export interface Externals {
  readonly [name: string]: { readonly external: true; readonly commands: readonly string[] };
}

/** Times of a route's queues; changed by policy, never by argument. */
export interface Timing {
  readonly ttlMs: number;
  readonly delayMs: number;
}

/** One for all routes, or what each has. */
export type Timings = Timing | ((route: string) => Timing);
