import { SAGA_ROUTE } from './contract.ts';
import type { Definition } from '#shared/saga/definition.ts';

/** Where the answer goes to a command whose answer a route hears beside the saga. */
export function audienceOf(route: string): string {
  return `${route}-and-${SAGA_ROUTE}`;
}

/** The audiences that the heard steps need: an answer that the saga and another owner need is published once, to both. */
export function audiencesOf(definitions: readonly Definition[]): Readonly<Record<string, readonly string[]>> {
  const owners = definitions.flatMap(({ steps }) =>
    steps.flatMap((step) => (step.kind === 'heard' ? [step.owner] : [])),
  );
  return Object.fromEntries(owners.map((owner) => [audienceOf(owner), [owner, SAGA_ROUTE]]));
}

/** The routes of every command that the definitions send, undo and the final notice included. */
export function commandedBy(definitions: readonly Definition[]): readonly string[] {
  const routes = definitions.flatMap(({ start, steps, finalNotice }) => [
    ...(start.undo ? [start.undo.command.route] : []),
    ...steps.flatMap((step) => (step.kind === 'command' ? [step.command.route] : [])),
    ...steps.flatMap(({ undo }) => (undo.kind === 'own' ? [undo.command.route] : [])),
    ...(finalNotice ? [finalNotice.command.route] : []),
  ]);
  return [...new Set(routes)];
}
