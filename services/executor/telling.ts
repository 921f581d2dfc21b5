import { Counter, Gauge, type Registry } from 'prom-client';
import { roleChanged } from './contract.ts';
import type { Executors } from './executors.ts';
import type { Standing } from './standing.ts';
import type { Bus } from '#shared/bus/bus.ts';
import { encodeSend } from '#shared/bus/envelope.ts';
import { EVENTS } from '#shared/bus/topology/topology.ts';
import type { Clock } from '#shared/clock.ts';

/** Tells each change of role as metric and as news; and, whenever it is asked, what those of this process are. */
export function telling(
  { metrics, bus, clock }: { readonly metrics: Registry; readonly bus: Pick<Bus, 'publish'>; readonly clock: Clock },
  executors: () => Executors,
): (id: string, standing: Standing) => void {
  const changes = new Counter({
    name: 'switchyard_executor_roles_total',
    help: 'How often an executor became what it is',
    labelNames: ['executor', 'role'],
    registers: [metrics],
  });
  const of = (name: string, help: string, figure: (standing: Standing) => number): void => {
    const gauge = new Gauge({
      name,
      help,
      labelNames: ['executor'],
      registers: [metrics],
      collect() {
        gauge.reset();
        for (const member of executors().running()) {
          const standing = member.standing();
          if (standing !== undefined) gauge.set({ executor: member.id }, figure(standing));
        }
      },
    });
  };
  of('switchyard_executor_term', 'The term that an executor is in', ({ term }) => term);
  of('switchyard_executor_leads', '1 while an executor leads', ({ role }) => (role === 'leader' ? 1 : 0));
  of('switchyard_executor_commit_index', 'The last entry of its log that counts', ({ commitIndex }) => commitIndex);
  of(
    'switchyard_executor_executed',
    'The last order of the queue that it knows to be executed',
    ({ executed }) => executed,
  );

  const queue = new Gauge({
    name: 'switchyard_order_queue',
    help: 'Orders that were ever queued, or executed, and how often late work was refused; told by the leader',
    labelNames: ['what'],
    registers: [metrics],
    collect() {
      queue.reset();
      for (const [what, n] of Object.entries(executors().progress() ?? {})) queue.set({ what }, n as number);
    },
  });

  return (executor, { role, term }) => {
    changes.inc({ executor, role });
    const message = {
      id: clock.id(),
      type: roleChanged.name,
      key: executor,
      body: { executor, role, term, at: clock.now() },
      correlationId: executor,
    };
    // News may have nobody who wants them.
    void bus.publish(EVENTS, encodeSend({ exchange: EVENTS, message }), roleChanged.name).catch(() => {});
  };
}
