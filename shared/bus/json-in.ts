/** What a packet says as JSON; `undefined`: it is none. */
export function jsonIn(content: Buffer): unknown {
  try {
    return JSON.parse(content.toString()) as unknown;
  } catch {
    return undefined;
  }
}
