import test from 'ava';
import { hasColours, terminal, type Screen } from '#local/commands/terminal.ts';

function written(screen: Partial<Screen>): { readonly text: () => string; readonly screen: Screen } {
  let text = '';
  return { text: () => text, screen: { ...screen, write: (more: string) => (text += more) } };
}

test('a pipe gets plain lines, and what is waited for again only after ten seconds or when it changes', (t) => {
  const { text, screen } = written({});
  const { say, hold } = terminal(screen);
  say('placed', 'green');
  for (const elapsedMs of [3000, 5000, 12_999, 13_000]) hold('payment', elapsedMs);
  hold('wallet', 13_500);
  say('over', 'red');
  t.is(text(), 'placed\n      3 s  payment\n      13 s  payment\n      13 s  wallet\nover\n');
});

test('a terminal gets colours, and one line that is written again', (t) => {
  const { text, screen } = written({ isTTY: true, columns: 40, hasColors: () => true });
  const { say, hold } = terminal(screen);
  say('placed', 'green');
  hold('payment', 3000);
  hold('a reason that is much longer than the terminal is wide', 4000);
  say('over');
  const lines = text().split('\r\u001B[K');
  t.is(lines[0], '\u001B[32mplaced\u001B[39m\n');
  t.is(lines[1], '\u001B[33m      3 s  payment\u001B[39m');
  t.is(lines[2], '\u001B[33m      4 s  a reason that is much longer\u001B[39m');
  t.is(lines[3], 'over\n');
});

test('a terminal whose person wants no colours gets none', (t) => {
  const { text, screen } = written({ isTTY: true, hasColors: () => false });
  terminal(screen).say('placed', 'green');
  t.is(text(), 'placed\n');
  t.false(hasColours(screen));
});
