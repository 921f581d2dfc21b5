/** One server-sent event; a comment has only `comment`. */
export interface StreamEvent {
  readonly id?: string;
  readonly event?: string;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly retry?: string;
  readonly comment?: string;
}

/** Reads an event stream as it comes. */
export async function listenTo(url: string, headers: Readonly<Record<string, string>>) {
  const leaving = new AbortController();
  const response = await fetch(url, { headers, signal: leaving.signal });
  const all: StreamEvent[] = [];
  let wake = (): void => {};
  let ended = false;
  const reading = (async () => {
    let rest = '';
    try {
      for await (const chunk of response.body ?? []) {
        const parts = (rest + Buffer.from(chunk as Uint8Array).toString()).split('\n\n');
        rest = parts.pop() ?? '';
        all.push(...parts.map(parsed));
        wake();
      }
    } catch (error) {
      if (!leaving.signal.aborted) throw error;
    } finally {
      ended = true;
      wake();
    }
  })();
  return {
    response,
    all,
    named: (event: string) => all.filter((one) => one.event === event),
    /** Waits until what was read satisfies. */
    async until(condition: (all: readonly StreamEvent[]) => boolean): Promise<void> {
      while (!condition(all)) {
        if (ended) throw new Error(`the stream ended before: ${condition.toString()}\n${JSON.stringify(all)}`);
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
    /** Resolves when the server has ended it. */
    ended: () => reading,
    async leave(): Promise<void> {
      leaving.abort();
      await reading;
    },
  };
}

function parsed(block: string): StreamEvent {
  if (block.startsWith(':')) return { comment: block.slice(1).trim() };
  const fields = Object.fromEntries(
    block.split('\n').map((line) => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)]),
  ) as Readonly<Record<string, string>>;
  const { data, ...rest } = fields;
  return { ...rest, ...(data !== undefined && { data: JSON.parse(data) as Record<string, unknown> }) };
}
