import type { DeadLetters } from '#services/console/dead-letters.ts';
import type { DeadLettersReply, DeadLettersRequest } from '#services/dead-letters/contract.ts';
import type { LetterView } from '#services/dead-letters/letter-shape.ts';

export interface FakeLetters extends DeadLetters {
  /** What the service was asked for, in this order. */
  readonly asked: DeadLettersRequest[];
  readonly letters: Map<string, LetterView>;
  /** What the service does from now on instead of answering. */
  behave(next: (request: DeadLettersRequest) => Promise<DeadLettersReply>): void;
}

/** Dead letters in a map, and a service that does at once what it is asked for. */
export function createFakeLetters(letters: readonly LetterView[] = []): FakeLetters {
  const all = new Map(letters.map((letter) => [letter.id, letter]));
  const asked: DeadLettersRequest[] = [];

  function change(id: string, from: readonly string[], to: LetterView['state']): number {
    const letter = all.get(id);
    if (letter === undefined || !from.includes(letter.state)) return 0;
    all.set(id, { ...letter, state: to });
    return 1;
  }

  async function obey(request: DeadLettersRequest): Promise<DeadLettersReply> {
    const selected =
      request.kind === 'discard'
        ? change(request.letter, ['dead'], 'discarded')
        : (request.select.ids ?? [...all.keys()]).reduce(
            (sum, id) =>
              sum +
              (request.kind === 'replay'
                ? change(id, ['dead', 'discarded'], 'replaying')
                : change(id, ['dead'], 'discarded')),
            0,
          );
    return { id: request.id, ok: true, selected };
  }

  let behaviour = obey;
  return {
    asked,
    letters: all,
    behave(next) {
      behaviour = next;
    },
    ask(_, question) {
      const request = question as unknown as DeadLettersRequest;
      asked.push(request);
      return behaviour(request);
    },
    view: {
      list: async ({ state }, { limit, cursor }) => {
        const found = [...all.values()].filter((letter) => state === undefined || letter.state === state);
        const from = Number(cursor ?? 0);
        const items = found.slice(from, from + limit);
        return found.length > from + limit ? { items, nextCursor: String(from + limit) } : { items };
      },
      find: async (id) => {
        const letter = all.get(id);
        return letter && { ...letter, failureList: [], replaysTo: 'wallet.in', message: { headers: {}, bytes: 2 } };
      },
      openOf: async (orderId) => [...all.values()].filter((letter) => letter.orderId === orderId),
      causes: async () => ({ items: [] }),
    },
  };
}

export function aLetter(id: string, changes: Partial<LetterView> = {}): LetterView {
  const at = '2026-01-01T00:00:00.000Z';
  return {
    id,
    route: 'wallet',
    state: 'dead',
    type: 'wallet.hold',
    key: 'alice',
    messageId: 'o1:hold-funds:do',
    orderId: 'o1',
    step: 'hold-funds',
    undo: false,
    cause: 'it broke',
    reason: 'it broke (after 5 tries)',
    attempts: 5,
    failures: 1,
    firstFailureAt: at,
    lastFailureAt: at,
    replays: 0,
    ...changes,
  };
}
