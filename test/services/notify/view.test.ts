import test from 'ava';
import { send } from '#services/notify/contract.ts';
import { notificationsCollection } from '#services/notify/model.ts';
import type { NotificationState } from '#services/notify/notification.ts';
import { notifyView } from '#services/notify/view.ts';
import { emptyDocument } from '#shared/entity/document.ts';
import { createMongoStore } from '#shared/entity/stores/mongo-store.ts';
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
  t.deepEqual(await view.emails('o1'), {
    items: [{ ...mail, status: 'accepted', acceptedAt: '1970-01-01T00:00:00.003Z' }],
  });
  t.deepEqual(await view.emails('o2'), { items: [] });
});

test('a mail that is not accepted yet is listed behind the others with its tries, its last error and its next try', async (t) => {
  const db = await freshDatabase(t);
  const total = { amount: 1299, currency: 'EUR' } as const;
  const body = { orderId: 'o1', outcome: 'completed', to: 'alice@example.org', customerId: 'alice', total } as const;
  const message = { id: 'o1:notify-customer:do', type: send.name, key: 'o1', body, correlationId: 'o1' };
  const undo = { ...message, id: 'undo', type: 'notify.retract', body: { orderId: 'o1', of: message.id } };
  const head = { message, attempts: 2, lastError: '451 try later', nextTryAt: 5 };
  const store = createMongoStore<NotificationState>(db, { collection: notificationsCollection });
  await store.prepare();
  const document = {
    ...emptyDocument<NotificationState>('o1'),
    stash: [head, { message: undo, attempts: 0, nextTryAt: 5 }],
  };
  await store.commit([{ over: 0, document: { ...document, version: 1 } }]);
  const view = notifyView(db);
  const shown = {
    status: 'waiting',
    kind: 'completed',
    to: 'alice@example.org',
    subject: 'Your order o1 is confirmed',
    messageId: '<o1.completed@switchyard.example>',
    attempts: 2,
    lastError: '451 try later',
    nextTryAt: '1970-01-01T00:00:00.005Z',
  };
  t.deepEqual(await view.emails('o1'), { items: [shown] });
  const leased = { ...document, stash: [{ ...head, attempts: 3, leasedUntil: 9, nextTryAt: 9 }] };
  await store.commit([{ over: 1, document: { ...leased, version: 2 } }]);
  t.like((await view.emails('o1')).items[0], { status: 'sending', attempts: 3, nextTryAt: '1970-01-01T00:00:00.009Z' });
});

test('a mail that the server refused for good is listed with the reason, until one of its outcome is accepted', async (t) => {
  const db = await freshDatabase(t);
  const mail = { kind: 'completed', to: '用户@例え.jp', subject: 's', messageId: '<o1.completed@x>' } as const;
  const refused = { ...mail, outcome: 'completed', reason: 'smtputf8_not_offered', refusedAt: 5 } as const;
  const state: NotificationState = { orderId: 'o1', mails: [], refused: [refused], retracted: false };
  await storeState(db, { collection: notificationsCollection }, 'o1', state);
  const accepted = { ...mail, outcome: 'completed', acceptedAt: 9 } as const;
  await storeState(db, { collection: notificationsCollection }, 'o2', { ...state, mails: [accepted] });
  const view = notifyView(db);
  t.deepEqual(await view.emails('o1'), {
    items: [{ ...mail, status: 'refused', reason: 'smtputf8_not_offered', refusedAt: '1970-01-01T00:00:00.005Z' }],
  });
  t.deepEqual(
    (await view.emails('o2')).items.map(({ status }) => status),
    ['accepted'],
  );
});
