import test from 'ava';
import { notificationsCollection } from '#services/notify/model.ts';
import type { NotificationState } from '#services/notify/notification.ts';
import { notifyView } from '#services/notify/view.ts';
import { freshDatabase, storeState } from '#test/support/stored.ts';

test('the mails of an order are listed as they were accepted', async (t) => {
  const db = await freshDatabase(t);
  const mail = { kind: 'completed', to: 'alice@example.org', subject: 's', messageId: '<o1.completed@x>' } as const;
  const state: NotificationState = {
    orderId: 'o1',
    mails: [{ ...mail, outcome: 'completed', acceptedAt: 3 }],
    retracted: false,
  };
  await storeState(db, { collection: notificationsCollection }, 'o1', state);
  const view = notifyView(db);
  t.deepEqual(await view.emails('o1'), { items: [{ ...mail, acceptedAt: '1970-01-01T00:00:00.003Z' }] });
  t.deepEqual(await view.emails('o2'), { items: [] });
});
