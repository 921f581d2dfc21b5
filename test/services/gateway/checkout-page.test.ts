/** The page at /checkout without a browser: over HTTP, in a town in memory. */
import test from 'ava';
import { startWorld } from './world.ts';
import { sealedPlainly } from '#test/support/checkouts.ts';
import { judged } from '#services/checkout-rules.ts';
import { cardRules } from '#services/verification/rules.ts';
import { clockFrom, systemClock } from '#shared/clock.ts';

const YEAR_MS = 365 * 24 * 3_600_000;

const world = await startWorld();
test.after.always(() => world.stop());

test.serial('the form is filled in, needs nothing from elsewhere, and may load nothing from there', async (t) => {
  const page = await world.call('GET', '/checkout');
  t.is(page.status, 200);
  t.regex(page.text, /<form method="post" action="\/checkout"/);
  t.regex(page.text, /name="user.name" value="Alice Liddell"/);
  t.notRegex(page.text, /https?:\/\//);
  t.regex(page.headers.get('content-security-policy') ?? '', /default-src 'none'/);
  t.notRegex(page.text, /<style|style=|onclick|<script>/);
  for (const asset of ['/checkout/page.css', '/checkout/page.js']) t.is((await world.call('GET', asset)).status, 200);
});

test.serial('the card that it is filled in with has not expired, whenever it is opened', async (t) => {
  for (const at of [Date.UTC(2026, 0, 1), Date.UTC(2026, 11, 31, 23, 59), Date.UTC(2049, 5, 15)]) {
    const own = await startWorld({ clock: clockFrom({ ...systemClock, now: () => at }), card: '4242 4242 4242 4242' });
    const { text } = await own.call('GET', '/checkout');
    await own.stop();
    const card = { number: '', expirationDate: '', cvv: '' };
    for (const name of Object.keys(card) as (keyof typeof card)[])
      card[name] = new RegExp(`name="creditCard\\.${name}" value="([^"]*)"`).exec(text)?.[1] ?? '';
    for (const now of [at, at + YEAR_MS]) t.is(judged('C', cardRules, { card, now }), undefined, JSON.stringify(card));
  }
});

test.serial('a form from another site, and what is no form, is not taken', async (t) => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const foreign = await world.call('POST', '/checkout', {
    raw: 'sku=book',
    headers: { ...form, origin: 'https://evil.example' },
  });
  t.is(foreign.status, 403);
  t.is(
    (await world.call('POST', '/checkout', { raw: '{}', headers: { 'content-type': 'application/json' } })).status,
    415,
  );
  t.is(world.requests.all().length, 0);
});

test.serial('whoever buys is a guest, known again by a cookie that no script reads', async (t) => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const reply = await world.call('POST', '/checkout', { raw: 'sku=book&quantity=1&key=k1', headers: form });
  t.is(reply.status, 200, reply.text);
  t.regex(reply.text, /Order approved/);
  const cookie = reply.headers.get('set-cookie') ?? '';
  t.regex(cookie, /^switchyard_guest=.*httponly/i);
  t.regex(cookie, /samesite=strict/i);
  t.regex(world.requests.all()[0]!.customerId, /^guest-/);
});

const form = { 'content-type': 'application/x-www-form-urlencoded' };

test.serial('a form that is sent twice at once comes from the guest who opened it, and buys once', async (t) => {
  const before = world.requests.all().length;
  const opened = await world.call('GET', '/checkout');
  const [cookie = ''] = (opened.headers.get('set-cookie') ?? '').split(';');
  const key = /name="key" value="([^"]+)"/.exec(opened.text)![1]!;
  const headers = { ...form, cookie };
  const raw = `sku=book&quantity=1&key=${key}`;
  const all = await Promise.all([1, 2].map(() => world.call('POST', '/checkout', { raw, headers })));
  t.is(world.requests.all().length - before, 1, all.map(({ text }) => text).join());
  for (const { text } of all) t.regex(text, /Order approved/, 'both are told how it ended');
  t.is((await world.call('GET', '/checkout', { headers })).headers.get('set-cookie'), null, 'it stays the same guest');
});

test.serial('behind a proxy whose word counts, the cookie of a page over https goes over https alone', async (t) => {
  const proxied = await startWorld({ settings: { isBehindProxy: true } });
  t.teardown(proxied.stop);
  const https = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'shop.example' };
  const cookieOf = async (at: typeof world, headers: Readonly<Record<string, string>>) =>
    (await at.call('GET', '/checkout', { headers })).headers.get('set-cookie') ?? '';
  t.regex(await cookieOf(proxied, https), /; secure/i);
  t.notRegex(await cookieOf(proxied, {}), /; secure/i);
  t.notRegex(await cookieOf(world, https), /; secure/i, 'without a proxy anybody could say so');
  const raw = 'sku=book&quantity=1';
  const own = await proxied.call('POST', '/checkout', {
    raw,
    headers: { ...form, ...https, origin: 'https://shop.example' },
  });
  t.is(own.status, 200, own.text);
});

test.serial('a card number in another field is refused there, kept nowhere and not shown again', async (t) => {
  const before = world.requests.all().length;
  const raw = String(new URLSearchParams({ sku: 'book', quantity: '1', 'user.name': 'Alice 4242 4242 4242 4242' }));
  const reply = await world.call('POST', '/checkout', { raw, headers: form });
  t.is(reply.status, 400, reply.text);
  t.regex(reply.text, /id="user.name"[^>]*aria-invalid="true"/);
  t.notRegex(reply.text, /4242/);
  t.is(world.requests.all().length, before);
});

const keyIn = ({ text }: { readonly text: string }) => /name="key" value="([^"]+)"/.exec(text)?.[1];

test.serial(
  'sent again it is the same checkout, also when a try was refused after one whose outcome is open',
  async (t) => {
    const opened = await world.call('GET', '/checkout');
    const [cookie = ''] = (opened.headers.get('set-cookie') ?? '').split(';');
    const buy = (more = '') =>
      world.call('POST', '/checkout', { raw: `sku=book&quantity=1&key=mine${more}`, headers: { ...form, cookie } });
    t.teardown(() => world.bus.recover());
    world.bus.fail('outcome-unknown');
    const open = await buy();
    t.is(open.status, 504);
    t.regex(open.text, /do not know yet/);
    t.is(keyIn(open), 'mine');
    world.bus.fail('not-connected');
    const refused = await buy();
    t.true(refused.status >= 500 || refused.status === 409, refused.text);
    t.notRegex(refused.text, /Nothing was bought/);
    t.is(keyIn(refused), 'mine');
    const wrong = await buy('&user.name=Alice+4242+4242+4242+4242');
    t.is(wrong.status, 400);
    t.is(keyIn(wrong), 'mine');
    world.bus.recover();
    const other = await buy('&user.name=Somebody+else');
    t.is(other.status, 422, other.text);
    t.regex(other.text, /Send it again to buy this too/);
    t.not(keyIn(other), 'mine');
  },
);

test.serial(
  'after a refusal of which nothing is known the form keeps its key; after a checkout that was given up it gets another',
  async (t) => {
    t.teardown(() => world.bus.recover());
    world.bus.fail('not-connected');
    const refused = await world.call('POST', '/checkout', { raw: 'sku=book&quantity=1&key=other', headers: form });
    t.is(refused.status, 503, refused.text);
    t.is(keyIn(refused), 'other');
    const failed = { checkoutId: 'c', status: 'failed', suggestions: [] };
    const find = async () => ({ customerId: 'guest', checkout: failed, events: [], waitsFor: [] });
    const failing = await startWorld({
      settings: { outcomeMs: 1 },
      views: { checkout: { find, seal: sealedPlainly } },
    });
    t.teardown(failing.stop);
    const givenUp = await failing.call('POST', '/checkout', { raw: 'sku=book&quantity=1&key=mine', headers: form });
    t.is(givenUp.status, 503, givenUp.text);
    t.regex(givenUp.text, /Nothing was bought/);
    t.not(keyIn(givenUp), 'mine');
  },
);

test.serial('a form that is too large is refused, and the answer can be read', async (t) => {
  const reply = await world.call('POST', '/checkout', { raw: `sku=${'a'.repeat(200_000)}`, headers: form });
  t.is(reply.status, 413, reply.text);
});

test.serial('a guest is credited once, before it first buys, where that is configured; otherwise never', async (t) => {
  const credited = await startWorld({ guestCredit: { amount: 5000, currency: 'EUR' } });
  t.teardown(credited.stop);
  const topUps = (at: typeof world) => at.bus.published.filter(({ message }) => message.type === 'wallet.top-up');
  const opened = await credited.call('GET', '/checkout');
  t.is(topUps(credited).length, 0, 'to look costs nothing');
  const [cookie = ''] = (opened.headers.get('set-cookie') ?? '').split(';');
  const headers = { ...form, cookie };
  for (const key of ['k1', 'k2']) {
    const raw = `sku=book&quantity=1&key=${key}`;
    t.is((await credited.call('POST', '/checkout', { raw, headers })).status, 200);
  }
  const [first, ...more] = topUps(credited);
  t.is(more.length, 0, 'the second time it is the same top-up');
  const { customerId } = credited.requests.all().at(-1)!;
  t.like(first!.message.body, { customerId, amount: { amount: 5000, currency: 'EUR' } });
  t.is(credited.bus.published[0], first, 'published before the checkout: the wallet has it before the hold');
  t.is(topUps(world).length, 0);
});

test.serial(
  'what was typed as a card is not written into a page again, and what is typed elsewhere is text',
  async (t) => {
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const typed = new URLSearchParams({
      'user.name': '"><script>alert(1)</script>',
      sku: 'book',
      quantity: 'many',
      'creditCard.number': '4242424242424242',
      'creditCard.cvv': '987',
    });
    const reply = await world.call('POST', '/checkout', { raw: String(typed), headers: form });
    t.is(reply.status, 400, reply.text);
    t.notRegex(reply.text, /4242424242424242|987|<script>alert/);
    t.regex(reply.text, /id="quantity"[^>]*aria-invalid="true" aria-describedby="quantity-error"/);
  },
);
