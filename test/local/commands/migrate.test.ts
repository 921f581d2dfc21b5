import test from 'ava';
import { wishIn } from '#local/commands/migrate.ts';
import { statusLines } from '#local/commands/migrate-status.ts';

test('up, status and down are understood; anything else is told what there is', (t) => {
  t.deepEqual(wishIn(['up']), { word: 'up', to: undefined });
  t.deepEqual(wishIn(['down', '--to', '3']), { word: 'down', to: 3 });
  t.throws(() => wishIn([]), { message: /not one of up, status and down.*--help/ });
  t.throws(() => wishIn(['up', 'down']), { message: /up down/ });
  t.throws(() => wishIn(['up', '--to', '3']), { message: /--to belongs to down/ });
  t.throws(() => wishIn(['down', '--to', '-1']), { message: /--to/ });
  t.throws(() => wishIn(['down', '--to', '1.5']), { message: /whole number/ });
});

test('the status shows what is applied, begun, unknown, and who is at work or was', (t) => {
  const applied = [
    { name: '0001-a', at: Date.UTC(2026, 0, 2) },
    { name: '0009-newer', at: Date.UTC(2026, 0, 3) },
  ];
  const begun = { name: '0002-b', direction: 'up', progress: { key: 'x', changed: 40 } } as const;
  const known = ['0001-a', '0002-b', '0003-c'].map((name) => ({ name }));
  const lock = { owner: 'process 7 on a-host', expiresAt: 1000 };
  t.deepEqual(statusLines({ version: '0009-newer', applied, begun, lock }, known, 999), [
    'schema: 0009-newer',
    '  0001-a  applied 2026-01-02T00:00:00.000Z',
    '  0002-b  up begun, 40 documents changed',
    '  0003-c  not applied',
    '  0009-newer  applied 2026-01-03T00:00:00.000Z, not known to this version',
    'process 7 on a-host is migrating',
  ]);
  t.regex(statusLines({ applied: [], lock }, known, 1000).at(-1)!, /was migrating and does not answer/);
  t.deepEqual(statusLines({ applied: [] }, [], 0), ['schema: as before the first migration']);
});
