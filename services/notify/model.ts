import type { NotificationState } from './notification.ts';

export const notificationsCollection = 'notifications';

/** What a view reads of a stored notification; `_id` is the order's id. */
export interface StoredNotification {
  readonly _id: string;
  readonly state?: NotificationState;
}
