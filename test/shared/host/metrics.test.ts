import test from 'ava';
import { createRegistry, gauge } from '#shared/host/metrics.ts';

test('two services of one process share the figures of the process, each under its own name', async (t) => {
  const [wallet, order] = [createRegistry('wallet'), createRegistry('order')];
  gauge(wallet, 'own', 'its own', () => 1);
  const [ofWallet, ofOrder] = [await wallet.metrics(), await order.metrics()];
  t.regex(ofWallet, /^process_cpu_user_seconds_total\{service="wallet"\}/m);
  t.regex(ofOrder, /^process_cpu_user_seconds_total\{service="order"\}/m);
  t.regex(ofWallet, /^nodejs_eventloop_lag_seconds\{service="wallet"\}/m);
  t.regex(ofWallet, /^own\{service="wallet"\} 1/m);
  t.notRegex(ofOrder, /^own/m);
  t.is(wallet.getSingleMetric('nodejs_eventloop_lag_seconds'), order.getSingleMetric('nodejs_eventloop_lag_seconds'));
});
