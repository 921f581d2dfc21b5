import type { Failure, Milestone, Outcome } from './definition.ts';

/** What happened to an order, in the fixed shape of the API; times are RFC 3339. */
export interface Timeline {
  readonly orderId: string;
  readonly state: 'running' | 'undoing' | 'completed' | Outcome | 'parked';
  readonly definition: string;
  readonly failure?: Failure;
  readonly waitingFor?: WaitingFor;
  readonly steps: readonly TimelineStep[];
  /** What was undone, in the order in which it was. */
  readonly compensations: readonly (TimelineUndo & { readonly step: string })[];
  /** Which of the thirteen steps were reached, in that order. */
  readonly milestones: readonly (Milestone & { readonly at: string })[];
  readonly messages: readonly TimelineMessage[];
}

export interface WaitingFor {
  readonly step: string;
  readonly message: string;
  /** Steps that it waits for as well: they run side by side. */
  readonly beside?: readonly string[];
  readonly since: string;
  readonly attempt: number;
  readonly nextTryAt?: string;
  /** When waiting ends and undoing begins. */
  readonly until?: string;
  readonly reason?: string;
}

export interface TimelineStep {
  readonly name: string;
  readonly number?: number;
  readonly title: string;
  readonly state: 'pending' | 'sent' | 'done' | 'refused' | 'timed-out' | 'undoing' | 'undone';
  readonly attempts: number;
  readonly sentAt?: string;
  readonly answeredAt?: string;
  readonly undo?: TimelineUndo;
  /** The step whose undo takes this one back as well. */
  readonly undoneWith?: string;
}

export interface TimelineUndo {
  readonly state: 'undoing' | 'undone';
  readonly message: string;
  /** The id of the message whose effect it undoes. */
  readonly of: string;
  readonly attempts: number;
  readonly sentAt: string;
  readonly answeredAt?: string;
}

export interface TimelineMessage {
  readonly id: string;
  readonly type: string;
  readonly direction: 'sent' | 'received';
  readonly at: string;
}
