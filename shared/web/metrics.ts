import { Histogram, type Registry } from 'prom-client';

/** How long answers take, by endpoint and status. */
export function requestMeter(metrics: Registry): (method: string, path: string, status: number, ms: number) => void {
  const histogram = new Histogram({
    name: 'switchyard_http_request_duration_seconds',
    help: 'Time to the answer, by endpoint and status',
    labelNames: ['method', 'path', 'status'],
    registers: [metrics],
  });
  return (method, path, status, ms) => histogram.observe({ method, path, status }, ms / 1000);
}
