/** The nodes of one cluster in an address like `amqp://user:password@one:5672/vhost,amqp://user:password@two:5672/vhost`; one for a single broker. */
export function brokerUrls(text: string): readonly string[] {
  return text.split(/\s*,\s*(?=amqps?:\/\/)/);
}

/** The same, beginning somewhere else: so that not everybody connects to the node that is named first. */
export function rotated(urls: readonly string[], random: () => number): readonly string[] {
  const start = Math.floor(random() * urls.length);
  return [...urls.slice(start), ...urls.slice(0, start)];
}
