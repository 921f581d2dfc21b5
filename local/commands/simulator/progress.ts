import type { SimulationProgress } from './result.ts';
import type { Screen } from '#local/commands/terminal.ts';

const LINE_EVERY_MS = 5000;
const BAR = 24;

/** On a terminal one line that is drawn again; elsewhere a line every 5 s and at each change of what is being done. */
export function showProgress(screen: Screen): (progress: SimulationProgress) => void {
  if (screen.isTTY) return onTerminal(screen);
  let last: SimulationProgress | undefined;
  return (progress) => {
    const isDue = last === undefined || progress.elapsedMs - last.elapsedMs >= LINE_EVERY_MS;
    if (last?.phase === progress.phase && !isDue) return;
    last = progress;
    screen.write(`${progressLine(progress)}\n`);
  };
}

function onTerminal(screen: Screen): (progress: SimulationProgress) => void {
  return (progress) => {
    const line = `${bar(progress)} ${progressLine(progress)}`.slice(0, Math.max(20, (screen.columns ?? 80) - 1));
    screen.write(`\r\u001B[K${line}${progress.phase === 'over' ? '\n' : ''}`);
  };
}

/** First half of the work: an order is sent; second half: it has its end. */
export function bar({ planned, sent, accepted, notAccepted, ended }: SimulationProgress): string {
  const done = planned === 0 ? 1 : (sent + ended + notAccepted) / (Math.max(planned, accepted + notAccepted) * 2);
  const full = Math.min(BAR, Math.floor(done * BAR));
  return `[${'#'.repeat(full)}${'.'.repeat(BAR - full)}]`;
}

function progressLine({
  phase,
  elapsedMs,
  planned,
  sent,
  accepted,
  notAccepted,
  ended,
  lateMs,
}: SimulationProgress): string {
  const time = `${(elapsedMs / 1000).toFixed(0).padStart(4)} s`;
  if (phase === 'funding') return `${time}  filling shelves and wallets`;
  const behind = phase === 'placing' && lateMs >= 1000 ? `, ${(lateMs / 1000).toFixed(1)} s behind the plan` : '';
  const refused = notAccepted > 0 ? `, ${notAccepted} not accepted` : '';
  return `${time}  ${sent} of ${planned} sent, ${accepted} accepted${refused}, ${ended} ended${behind}`;
}
