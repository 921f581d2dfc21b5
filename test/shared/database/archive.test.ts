/** Which documents go, and which keys are asked for in the archive. */
import test from 'ava';
import { deliveryArchive } from '#services/delivery/model.ts';
import { notificationArchive } from '#services/notify/model.ts';
import { orderArchive } from '#services/order/model.ts';
import { paymentArchive } from '#services/payment/model.ts';
import { sagaArchive } from '#services/saga/model.ts';
import {
  idAt,
  isArchivable,
  mayBeArchived,
  timeOf,
  type AnyArchiveRule,
  type Archivable,
} from '#shared/database/archive.ts';
import { readConfig } from '#shared/host/config.ts';
import { entityVariables } from '#shared/host/variables.ts';
import { ConfigError } from '#shared/errors.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';

const BEFORE = 1_700_000_000_000;
const OLD = `${idAt(BEFORE - 1)}-7abc-8abc-0123456789ab`;
const rule: AnyArchiveRule = { endedAt: ({ at }: { readonly at?: number }) => at };
const ended: Archivable = { _id: OLD, version: 3, state: { at: BEFORE - 1 } };

test('what ended before goes, unless something of it is still to be done', (t) => {
  const cases: readonly (readonly [what: string, stored: Archivable, goes: boolean])[] = [
    ['ended before', ended, true],
    ['ended at that time', { ...ended, state: { at: BEFORE } }, false],
    ['not ended', { ...ended, state: {} }, false],
    ['never began', { _id: OLD, version: 1 }, true],
    ['began at that time', { ...ended, _id: OLD.replace(idAt(BEFORE - 1), idAt(BEFORE)) }, false],
    ['a key that tells no time', { ...ended, _id: 'order-1' }, false],
    ['a random UUID', { ...ended, _id: OLD.replace('-7', '-4') }, false],
    ['due', { ...ended, dueAt: 1 }, false],
    ['a stash', { ...ended, stash: [{}] }, false],
    ['unsent', { ...ended, unsent: [{}] }, false],
    ['a journal record that rides', { ...ended, journal: [{}] }, false],
    ['lists that are empty', { ...ended, stash: [], unsent: [], journal: [] }, true],
  ];
  for (const [what, stored, goes] of cases) t.is(isArchivable(stored, rule, BEFORE), goes, what);
  t.true(isArchivable({ ...ended, _id: `pay-${OLD}` }, { ...rule, prefix: 'pay-' }, BEFORE));
  t.false(isArchivable(ended, { ...rule, prefix: 'pay-' }, BEFORE));
});

test('each service says when its documents ended', (t) => {
  const cases: readonly (readonly [AnyArchiveRule, object, number | undefined])[] = [
    [orderArchive, { status: 'unplaced' }, 0],
    [orderArchive, { status: 'pending', updatedAt: 5 }, undefined],
    [orderArchive, { status: 'paid', updatedAt: 5 }, undefined],
    [orderArchive, { status: 'completed', updatedAt: 5 }, 5],
    [orderArchive, { status: 'failed', updatedAt: 5 }, 5],
    [orderArchive, { status: 'cancelled', updatedAt: 5 }, 5],
    [sagaArchive, { phase: 'unknown' }, 0],
    [sagaArchive, { phase: 'running' }, undefined],
    [sagaArchive, { phase: 'undoing' }, undefined],
    [sagaArchive, { phase: 'closing' }, undefined],
    [sagaArchive, { phase: 'parked', since: 5 }, undefined],
    [sagaArchive, { phase: 'ended', endedAt: 5 }, 5],
    [paymentArchive, { status: 'unknown' }, 0],
    [paymentArchive, { status: 'created', createdAt: 5 }, undefined],
    [paymentArchive, { status: 'authorized', createdAt: 5 }, undefined],
    [paymentArchive, { status: 'settled', createdAt: 5, capturedAt: 6 }, 6],
    [paymentArchive, { status: 'refunded', createdAt: 5, capturedAt: 6 }, 6],
    [paymentArchive, { status: 'refunded' }, 0],
    [paymentArchive, { status: 'voided', createdAt: 5 }, 5],
    [deliveryArchive, { status: 'dispatched', createdAt: 5, dispatchedAt: 6 }, 6],
    [deliveryArchive, { status: 'refused', createdAt: 5 }, 5],
    [deliveryArchive, { status: 'cancelled' }, 0],
    [notificationArchive, { mails: [{ acceptedAt: 5 }, { acceptedAt: 7 }] }, 7],
    [notificationArchive, { mails: [] }, 0],
  ];
  for (const [{ endedAt }, state, at] of cases) t.is(endedAt(state as never), at, JSON.stringify(state));
});

test('an id tells when it was made, and ids of one time are not less than the bound of that time', (t) => {
  const id = createVirtualClock(1, BEFORE).id();
  t.is(timeOf(id), BEFORE);
  t.is(timeOf(`pay-${id}`), BEFORE);
  t.true(id >= idAt(BEFORE) && id < idAt(BEFORE + 1));
  t.is(timeOf('alice'), undefined);
});

test('the archive is never asked for a new key, nor for one that tells no time', (t) => {
  t.false(mayBeArchived(createVirtualClock(1, Date.now()).id()));
  t.false(mayBeArchived(createVirtualClock(1, Date.now() - 3_600_000).id()));
  t.false(mayBeArchived('alice'));
  t.true(mayBeArchived(createVirtualClock(1, Date.now() - 86_400_000).id()));
});

test('ARCHIVE_AFTER_DAYS is 0 or at least a day', (t) => {
  const { ARCHIVE_AFTER_DAYS } = entityVariables;
  const read = (days?: string) => readConfig({ ARCHIVE_AFTER_DAYS }, { ARCHIVE_AFTER_DAYS: days }).ARCHIVE_AFTER_DAYS;
  t.deepEqual([read(), read('0'), read('1'), read('365.5')], [90, 0, 1, 365.5]);
  for (const days of ['0.5', '-1', 'never']) t.throws(() => read(days), { instanceOf: ConfigError });
});
