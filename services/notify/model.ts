import type { NotificationState } from './notification.ts';
import type { ArchiveRule } from '#shared/database/archive.ts';
import type { Stashed } from '#shared/entity/store.ts';

export const notificationsCollection = 'notifications';

/** Every mail that was accepted or refused may be the last. */
export const notificationArchive: ArchiveRule<NotificationState> = {
  endedAt: ({ mails, refused = [] }) =>
    Math.max(0, ...mails.map(({ acceptedAt }) => acceptedAt), ...refused.map(({ refusedAt }) => refusedAt)),
};

/** What a view reads of a stored notification; `_id` is the order's id. */
export interface StoredNotification {
  readonly _id: string;
  readonly state?: NotificationState;
  /** What waits to be handled, in order; only the first is tried. */
  readonly stash?: readonly Stashed[];
}
