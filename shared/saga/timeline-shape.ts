import type { Milestone, SagaFailure, UndoneOutcome } from './step.ts';

/** What happened to what a saga moves; times are RFC 3339. */
export interface SagaTimeline {
  readonly state: 'running' | 'undoing' | 'completed' | UndoneOutcome | 'parked';
  readonly definition: string;
  readonly failure?: SagaFailure;
  readonly waitingFor?: WaitingFor;
  readonly steps: readonly TimelineStep[];
  /** What was undone, in the order in which it was. */
  readonly compensations: readonly (TimelineUndo & { readonly step: string })[];
  /** Which numbered steps were reached, in that order. */
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
  /** Of a step that is tried again when it is refused: how many tries it has. */
  readonly maxAttempts?: number;
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
  /** How often its message was sent. */
  readonly attempts: number;
  /** Of a step that is tried again when it is refused: which try it is, of how many, and when the next one begins. */
  readonly attempt?: number;
  readonly maxAttempts?: number;
  readonly nextTryAt?: string;
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
