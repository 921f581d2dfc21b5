import type { Connection } from 'mongoose';
import type { Views } from './views.ts';
import { breakerView } from '#services/circuit-breaker/view.ts';
import { deliveryView } from '#services/delivery/view.ts';
import { notifyView } from '#services/notify/view.ts';
import { orderView } from '#services/order/view.ts';
import { paymentView } from '#services/payment/view.ts';
import { sagaView } from '#services/saga/view.ts';
import { walletView } from '#services/wallet/view.ts';

/** What the services have stored, each read by its own view. */
export function storedViews(db: Connection): Views {
  return {
    orders: orderView(db),
    payments: paymentView(db),
    deliveries: deliveryView(db),
    wallets: walletView(db),
    sagas: sagaView(db),
    breakers: breakerView(db),
    emails: notifyView(db),
  };
}
