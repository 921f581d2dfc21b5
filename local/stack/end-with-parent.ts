/**
 * Preloaded (`--import`) into our own child processes: their standard input is a pipe that only the parent holds, so its
 * end means that the parent is gone, however it died. The child then ends as on SIGTERM, and after ten seconds in any case.
 */
process.stdin.resume();
process.stdin.once('close', () => {
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), 10_000).unref();
  process.kill(process.pid, 'SIGTERM');
});
// A pipe is a socket here, and must not keep a finished process alive.
(process.stdin as unknown as { unref?: () => void }).unref?.();
