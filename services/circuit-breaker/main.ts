import { service } from './service.ts';
import { routeTable } from '#services/services.ts';
import { runProcess } from '#shared/host/process.ts';

await runProcess(service, routeTable);
