import { service } from './service.ts';
import { system } from '#services/services.ts';
import { runProcess } from '#shared/host/process.ts';

await runProcess(service, system);
