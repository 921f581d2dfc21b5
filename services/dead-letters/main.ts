import { service } from './service.ts';
import { routeTable, variables } from '#services/services.ts';
import { runProcess } from '#shared/host/process.ts';

await runProcess(service, routeTable, variables);
