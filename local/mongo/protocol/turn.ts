import type { Socket } from 'node:net';
import { reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';
import type { Server } from '#local/mongo/commands/command.ts';
import { execute } from '#local/mongo/commands/commands.ts';
import { type MongoFailure, errorAnswer, failureOf } from './failure.ts';
import type { Doc } from './raw.ts';
import { type Request, answerTo } from './wire.ts';

interface Pending {
  readonly socket: Socket;
  readonly request: Request;
  readonly answer: Doc | Buffer;
}

/**
 * Runs requests at once and answers them at the end of the event-loop turn, after one commit of all that they wrote:
 * nothing that a client ever sees, written or read, can be lost afterwards.
 */
export interface Turns {
  accept(socket: Socket, request: Request): void;
  /** Runs work of the server itself (expiry) inside a turn. */
  inside(work: () => void): void;
  /** Commits and answers what is pending. */
  finish(): void;
}

/** SQLite failed in the middle of a command: what the transaction holds is no longer what was asked for. */
function isStorageError(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === 'ERR_SQLITE_ERROR';
}

export function createTurns(server: Server, log: Log): Turns {
  const { storage, catalog, journal, checkpoints, clock } = server;
  let pending: Pending[] = [];
  let scheduled = false;
  let broken: MongoFailure | undefined;

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    clock.soon(finish);
  }

  function answered(request: Request): Doc | Buffer {
    try {
      return execute(request, server);
    } catch (error) {
      const failure = failureOf(error);
      if (storage.open && isStorageError(error)) broken = failure;
      if (failure.code === 8000)
        log.error('a command failed', { reason: failure.message, stack: (error as Error).stack });
      return errorAnswer(failure);
    }
  }

  /** When the commit fails nothing of the turn happened: everybody is told, and memory is read again from the disk. */
  function commit(): Doc | undefined {
    try {
      if (broken !== undefined) throw broken;
      journal.write();
      const more = checkpoints.step();
      storage.commit();
      catalog.trim();
      if (more) schedule();
      return undefined;
    } catch (error) {
      log.error('a commit failed', { reason: reasonOf(error) });
      storage.rollback();
      journal.discard();
      checkpoints.reset();
      catalog.reload();
      broken = undefined;
      return errorAnswer(failureOf(error));
    }
  }

  function finish(): void {
    scheduled = false;
    const failed = commit();
    const answers = pending;
    pending = [];
    for (const { socket, request, answer } of answers) {
      if (!request.silent && socket.writable) socket.write(answerTo(request, failed ?? answer));
    }
  }

  return {
    accept(socket, request) {
      pending.push({ socket, request, answer: answered(request) });
      schedule();
    },
    inside(work) {
      work();
      schedule();
    },
    finish,
  };
}
