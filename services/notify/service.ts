import { notifyApi } from './api.ts';
import { notifyAudit } from './audit.ts';
import { z } from 'zod';
import { smtpMailer } from './smtp-mailer.ts';
import { notificationArchive, notificationsCollection } from './model.ts';
import { mailEffect, notificationEntity } from './notification.ts';
import { sagaVariables } from '#services/saga/contract.ts';
import { defineService } from '#shared/host/service.ts';
import { address, wholeNumber } from '#shared/variable-kinds.ts';

/** Tells customers by mail how their orders ended. */
export const service = defineService({
  name: 'notify',
  rights: { route: 'notify', answers: ['saga'] },
  entity: notificationEntity,
  documents: {
    collection: notificationsCollection,
    archive: notificationArchive,
  },
  api: notifyApi,
  audit: notifyAudit,
  config: {
    SAGA_DEADLINE_MS: sagaVariables.SAGA_DEADLINE_MS,
    SMTP_URL: address('smtp', 'smtps'),
    MAIL_FROM: z
      .string()
      .min(3, 'must be a sender, as Shop <orders@example.org>')
      .default('Switchyard <orders@switchyard.example>'),
    /** How long the mail server may take for one mail, ms; by default half of `SAGA_DEADLINE_MS`. */
    SMTP_LIMIT_MS: wholeNumber(500).optional(),
    /** The first wait before a mail is tried again, ms; each is twice as long. By default a twentieth of `SAGA_DEADLINE_MS`. */
    SMTP_RETRY_MS: wholeNumber(1).optional(),
    /** Tries of one mail before it becomes a dead letter. */
    SMTP_ATTEMPTS: wholeNumber(1).default(5),
  },
  rules: [
    ({ SMTP_LIMIT_MS, SAGA_DEADLINE_MS }) =>
      SMTP_LIMIT_MS === undefined || SMTP_LIMIT_MS < SAGA_DEADLINE_MS
        ? []
        : ['SMTP_LIMIT_MS must be less than SAGA_DEADLINE_MS, or an order is undone during the first try of its mail'],
  ],
  start(kit) {
    const { SMTP_URL, MAIL_FROM, SAGA_DEADLINE_MS, SMTP_LIMIT_MS, SMTP_RETRY_MS, SMTP_ATTEMPTS } = kit.config;
    const usual = mailEffect(SAGA_DEADLINE_MS);
    const limitMs = SMTP_LIMIT_MS ?? usual.limitMs;
    const retry = { ...usual.retry, baseMs: SMTP_RETRY_MS ?? usual.retry.baseMs, attempts: SMTP_ATTEMPTS };
    const mailer = smtpMailer({ url: SMTP_URL, from: MAIL_FROM, limitMs, clock: kit.clock });
    kit.host(notificationEntity({ mailer, effect: { limitMs, retry } }));
    kit.ready('smtp', mailer.check);
    kit.onStop(async () => mailer.close());
  },
});
