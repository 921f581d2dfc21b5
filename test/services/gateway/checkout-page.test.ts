/** The page at /checkout without a browser: over HTTP, in a town in memory. */
import test from 'ava';
import { startWorld } from './world.ts';

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
