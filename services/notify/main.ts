import { z } from 'zod';
import { smtpMailer } from './mailer.ts';
import { notificationArchive, notificationsCollection } from './model.ts';
import { notificationEntity } from './notification.ts';
import { routeTable } from '#services/routes.ts';
import { ttlMsOf } from '#shared/config.ts';
import { defineService, runProcess } from '#shared/service.ts';

/** Tells customers by mail how their orders ended. */
export const service = defineService({
  name: 'notify',
  table: routeTable,
  config: {
    SMTP_URL: z.url({ protocol: /^smtps?$/ }),
    MAIL_FROM: z.string().min(3).default('Switchyard <orders@switchyard.example>'),
  },
  start(kit) {
    const { SMTP_URL, MAIL_FROM } = kit.config;
    const timeoutMs = Math.floor(ttlMsOf(kit.config, 'notify') / 5);
    const mailer = smtpMailer({ url: SMTP_URL, from: MAIL_FROM, timeoutMs, clock: kit.clock });
    kit.host(notificationEntity({ mailer }), { collection: notificationsCollection, archive: notificationArchive });
    kit.ready('smtp', mailer.check);
    kit.onStop(async () => mailer.close());
  },
});

if (import.meta.main) await runProcess(service);
