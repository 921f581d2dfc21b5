/** What the documents that an audit reads are about: orders, wallets. Its owner's contract declares it. */
export interface AuditedKind {
  /** All of them, as an audit counts them: `orders`. */
  readonly name: string;
  /** The field of its id in what an audit tells: `orderId`. */
  readonly id: string;
  /** The kind of the requests by which clients ask for one; absent: none does. */
  readonly asked?: string;
}

/** Something that one service tells the rules of others about a thing. Its contract names it. */
export interface AuditFact<Fact> {
  readonly name: string;
  /** For the compiler alone. */
  readonly types?: (fact: Fact) => void;
}

/** Names a fact, as `<owner>.<what>`. */
export function auditFact<Fact>(name: string): AuditFact<Fact> {
  return { name };
}

/** A fact with what it is of this thing. */
export interface ToldFact {
  readonly name: string;
  readonly told: unknown;
}

export function telling<Fact>({ name }: AuditFact<Fact>, told: Fact): ToldFact {
  return { name, told };
}

/** How far the saga of a thing is. */
export interface AuditedProgress {
  readonly phase: string;
  /** The step that it is at while it has not ended. */
  readonly current?: string | undefined;
  /** In the order in which they were sent; `end`: how one ended that was not done. */
  readonly steps: readonly { readonly name: string; readonly end?: string | undefined }[];
}

/** What one service tells of a thing. */
export interface AuditTold {
  /** Its owner has it. */
  readonly exists?: boolean | undefined;
  /** Epoch ms of its last change, by its owner's word. */
  readonly updatedAt?: number | undefined;
  /** Epoch ms at which a client was told that it is accepted. */
  readonly acceptedAt?: number | undefined;
  /** Of its saga; absent: none has begun. */
  readonly saga?: AuditedProgress | undefined;
  /** How its saga ended, and when; absent: it has not. */
  readonly outcome?: string | undefined;
  readonly endedAt?: number | undefined;
  readonly facts?: readonly ToldFact[];
}

/** What an audit knows of a thing when it asks whether the documents about it are right. */
export interface AuditedThing extends Omit<AuditTold, 'facts' | 'exists'> {
  readonly id: string;
  readonly exists: boolean;
  /** The names of the saga's steps that were sent. */
  readonly steps: readonly string[];
  /** What its owner tells of it. */
  told<Fact>(fact: AuditFact<Fact>): Fact | undefined;
}

/** When and how strictly it is asked. */
export interface AuditAt {
  /** Epoch ms. */
  readonly now: number;
  /** How old a thing may be that has not ended. */
  readonly hangingAfterMs: number;
}
