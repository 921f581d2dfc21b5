import { assemble, type GatewayOptions } from './gateway.ts';
import { routes } from './routes.ts';
import { createApp } from '#shared/web/app.ts';

/** The gateway as a Koa app that does not listen. */
export function createGateway(options: GatewayOptions): ReturnType<typeof createApp> {
  const gateway = assemble(options);
  const { tokens, clock, log, onAnswer } = gateway;
  return createApp({ endpoints: routes(gateway), tokens, clock, log, onAnswer, settings: gateway });
}
