import type { Socket } from 'node:net';
import type { ChannelModel } from 'amqplib';

/**
 * amqplib writes every frame to the socket on its own: one system call per publish and per ack. This gathers what is
 * written in one turn of the event loop into one write; nothing waits longer than that turn.
 */
export function gatherWrites(model: ChannelModel): void {
  const { stream } = model.connection as unknown as { readonly stream: Socket };
  const write = stream.write.bind(stream);
  let corked = false;
  stream.write = ((...args: Parameters<Socket['write']>) => {
    if (!corked) {
      corked = true;
      stream.cork();
      process.nextTick(() => {
        corked = false;
        stream.uncork();
      });
    }
    return write(...args);
  }) as Socket['write'];
}
