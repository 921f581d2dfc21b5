/**
 * The breaker's rules once more, by counting alone, to compare `decide` with. Shares nothing with it. A history is a list
 * of cycles' events: 'x' a message expired, '|' the cycle ended.
 */
export function modelOf(history: string, limit: number): string[] {
  let gate = 'closed';
  let bad = 0;
  let count = 0;
  const moves: string[] = [];
  const go = (to: string, badNow: number): void => {
    moves.push(`${gate}->${to}`);
    [gate, bad, count] = [to, badNow, 0];
  };
  for (const event of history) {
    if (event === 'x') {
      if (gate === 'closed') go('half_open', 0);
      else count += 1;
    } else if (gate === 'half_open') {
      if (count === 0) go('closed', 0);
      else if (bad + 1 >= limit) go('open', 0);
      else [bad, count] = [bad + 1, 0];
    } else if (gate === 'open') {
      if (count === 0) go('half_open', limit - 1);
      else count = 0;
    }
  }
  return moves;
}
