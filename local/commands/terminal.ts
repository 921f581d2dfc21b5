import { styleText } from 'node:util';

export type Colour = 'green' | 'red' | 'yellow' | 'gray' | 'bold';
/** Prints a line. */
export type Say = (text: string, colour?: Colour) => void;

/** What is needed of a terminal or a pipe. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
  hasColors?(): boolean;
}

export interface Terminal {
  readonly say: Say;
  /** A line that the next one replaces; on a pipe a line of its own when it is due: see `HELD_EVERY_MS`. */
  hold(what: string, elapsedMs: number): void;
}

/** How often a pipe is told that the same is still waited for. */
const HELD_EVERY_MS = 10_000;
const CLEAR = '\r\u001B[K';

/** Colours are for terminals, and not for those who say `NO_COLOR`. */
export function hasColours(screen: Screen): boolean {
  return screen.isTTY === true && screen.hasColors?.() === true;
}

export function terminal(screen: Screen): Terminal {
  const paint = (text: string, colour: Colour | undefined): string =>
    colour !== undefined && hasColours(screen) ? styleText(colour, text, { validateStream: false }) : text;
  let held: { readonly what: string; readonly elapsedMs: number } | undefined;

  function say(text: string, colour?: Colour): void {
    screen.write(`${held !== undefined && screen.isTTY === true ? CLEAR : ''}${paint(text, colour)}\n`);
    held = undefined;
  }

  return {
    say,
    hold(what, elapsedMs) {
      const line = `      ${Math.floor(elapsedMs / 1000)} s  ${what}`;
      if (screen.isTTY === true) {
        screen.write(`${CLEAR}${paint(line.slice(0, Math.max(20, (screen.columns ?? 80) - 1)), 'yellow')}`);
      } else if (held?.what === what && elapsedMs - held.elapsedMs < HELD_EVERY_MS) {
        return;
      } else {
        screen.write(`${line}\n`);
      }
      held = { what, elapsedMs };
    },
  };
}
