/** CK-3, CK-12 to CK-15 on real processes: a service dead or stuck in turn, fifty at once, executors killed, and a card that is nowhere to be found. */
import test from 'ava';
import { type Asked, checkoutStage } from './stage.ts';
import { tapOf } from './tap.ts';
import { checkoutBody, goodCard } from '#test/support/checkouts.ts';
import { createShop } from '#test/support/place.ts';
import { startStack, type TestStack } from '#test/support/stack.ts';
import { patience, tail, until } from '#test/support/until.ts';
import type { CheckoutView, EventView } from '#services/checkout/shapes.ts';
import { checkCard } from '#services/verification/contract.ts';
import { hash } from '#shared/bus/topology/topology.ts';
import { covers } from '#shared/vector-clock.ts';

const SERVICES = ['checkout', 'verification', 'fraud', 'suggestions'] as const;
const CVV = '9173';
const GOOD = { creditCard: { ...goodCard, cvv: CVV } };
const WITH_CARDS: readonly object[] = [
  GOOD,
  { creditCard: { ...goodCard, cvv: CVV, number: '4242-4242-4242-4241' } },
  { creditCard: { ...goodCard, cvv: CVV, number: '4000 0000 0000 9979' } },
  { creditCard: { ...goodCard, cvv: CVV }, termsAccepted: false },
];
/** The numbers, however grouped, and the code where it stands by itself. */
const SECRET = /4242[ -]?4242[ -]?4242[ -]?424[12]|4000[ -]?0000[ -]?0000[ -]?9979|["'>= ]9173["'<& ]/;
const SEALED = /eyJ[\w-]+\.[\w-]*\.[\w-]+\.[\w-]+\.[\w-]+/;

/** Packets of dead letters are stored in base64. */
const decoded = (letters: unknown): string =>
  JSON.stringify(letters).replaceAll(/"content":"([^"]*)"/g, (_, content: string) =>
    String(Buffer.from(content, 'base64')),
  );

let stack: TestStack;
let stage: Awaited<ReturnType<typeof checkoutStage>>;
let shop: ReturnType<typeof createShop>;
test.before(async () => {
  stack = await startStack({ apart: [...SERVICES, 'executor'], env: { LOG_LEVEL: 'debug' } });
  stage = await checkoutStage(stack);
  shop = createShop(stack);
});
test.after.always(() => stack?.stop());

test.serial('bought on the page as a guest: the order completes, and a mail is sent', async (t) => {
  const page = await fetch(`${stack.apiUrl}/checkout`);
  const cookie = page.headers.getSetCookie()[0]!.split(';')[0]!;
  const inputs = [...(await page.text()).matchAll(/<input [^>]*>/g)].map(([tag]) => tag);
  const attribute = (tag: string, name: string): string => new RegExp(` ${name}="([^"]*)"`).exec(tag)?.[1] ?? '';
  const values = inputs.flatMap((tag) => {
    if (attribute(tag, 'type') !== 'checkbox') return [[attribute(tag, 'name'), attribute(tag, 'value')]];
    return / checked/.test(tag) ? [[attribute(tag, 'name'), 'on']] : [];
  });
  const body = new URLSearchParams([...values, ['sku', 'book']] as [string, string][]);
  const answer = await (await fetch(`${stack.apiUrl}/checkout`, { method: 'POST', body, headers: { cookie } })).text();
  const again = /<a href="([^"]*)">Look again</.exec(answer)?.[1];
  const look = async () => (await fetch(`${stack.apiUrl}${again}`, { headers: { cookie } })).text();
  const isDecided = (html: string): boolean => !html.includes('class="pending"');
  const bought = again === undefined ? answer : await until('it is decided', look, isDecided);
  const orderId = /Its number is <code>([^<]+)</.exec(bought)?.[1] ?? '';
  t.not(orderId, '', bought);
  const { order } = await shop.ended(orderId);
  t.is(order.status, 'completed', JSON.stringify(order));
  t.regex(order.customerId, /^guest-/);
  const mails = await until(
    'the mail is sent',
    () => shop.mails(orderId),
    (all) => all.length > 0,
  );
  t.is(mails.length, 1);
  t.is(mails[0]!.to[0]!.address, 'alice@example.org');
});

test.serial(
  'approved, rejected or failed, dead letters too: a card is readable in no message, queue, document, log or mail',
  async (t) => {
    await using tap = await tapOf(stack);
    const answers: string[] = [];
    for (const changes of WITH_CARDS) answers.push((await stage.checkOut(changes)).text);
    t.deepEqual(
      answers.map((text) => (JSON.parse(text) as CheckoutView).status),
      ['approved', 'rejected', 'rejected', 'rejected'],
    );
    const once = { 'idempotency-key': 'of the card' };
    const [first, second] = [await stage.checkOut(GOOD, once), await stage.checkOut(GOOD, once)];
    t.deepEqual(second.body, first.body);
    stack.kill('verification', 'SIGSTOP');
    const failed = await stage.ask('/v1/checkouts', checkoutBody(GOOD));
    stack.kill('verification', 'SIGCONT');
    t.true([503, 504].includes(failed.status), failed.text);
    // What nobody can handle: the sealed card of a message that does not fit its contract any more.
    const sealed = tap.tapped.find(({ text }) => text.includes('"card":') && text.includes('"flow":'))!;
    const orderId = 'nobody-can-handle-it';
    const content = Buffer.from(JSON.stringify({ ...(JSON.parse(sealed.text) as object), orderId, before: 'nothing' }));
    const headers = { key: orderId };
    await tap.publish(hash(checkCard.route), {
      content,
      headers,
      contentType: 'application/json',
      type: checkCard.name,
      messageId: 'unhandled',
      correlationId: orderId,
    });
    const letters = await until(
      'it is a dead letter',
      () => stage.stored(),
      (found) => JSON.stringify(found['dead_letters'] ?? []).includes('unhandled'),
      { show: () => tail(stack.logs(), 'dead') },
    );
    t.regex(decoded(letters['dead_letters']), SEALED, 'kept sealed');

    const stored = await stage.cleared();
    const { dead_letters: dead, ...others } = stored;
    const published = tap.tapped.map((one) => JSON.stringify(one)).join('\n');
    for (const type of ['checkout.begin', 'verification.check-card', 'fraud.check-card', 'executor.enqueue'])
      t.true(published.includes(type), `${type} was heard`);
    const mails = JSON.stringify(await shop.mails());
    const places = { messages: published, documents: JSON.stringify(others), 'dead letters': decoded(dead) };
    for (const [place, text] of Object.entries({
      ...places,
      logs: stack.logs().join('\n'),
      mails,
      answers: answers.join(),
    }))
      t.is(SECRET.exec(text)?.[0], undefined, `readable in ${place}`);
    t.notRegex(JSON.stringify(others), SEALED, 'every checkout is over: nor sealed');
  },
);

for (const service of SERVICES)
  for (const how of ['dead', 'stuck'] as const)
    test.serial(
      `${service} is ${how}: a problem in time, and when it is back nothing of the checkout is left`,
      async (t) => {
        const before = await stage.cleared();
        if (how === 'stuck') stack.kill(service, 'SIGSTOP');
        else await stack.process(service).stop();
        const asked: Asked<CheckoutView>[] = [];
        // While nobody is silent yet, because what comes before is slow, it is 202.
        const { status, text } = await until(
          'it is not said any more that it is under way',
          async () => {
            asked.push(await stage.ask<CheckoutView>('/v1/checkouts', checkoutBody(GOOD)));
            return asked.at(-1)!;
          },
          (last) => last.status !== 202,
        );
        if (how === 'stuck') stack.kill(service, 'SIGCONT');
        else stack.process(service).start();
        t.true([503, 504].includes(status), text);
        t.regex(text, /\/problems\//);
        for (const { tookMs } of asked) t.true(tookMs < patience(7000), `${tookMs} ms`);
        await stack.ready();
        await until(
          'it is worked again',
          () => stage.checkOut(),
          ({ body }) => body.status === 'approved',
        );
        const after = await stage.cleared();
        const count = (name: string) => (after[name]?.length ?? 0) - (before[name]?.length ?? 0);
        const underWay = await Promise.all(asked.slice(0, -1).map(({ body }) => stage.decided(body.checkoutId)));
        const approved = underWay.filter(({ body }) => body.status === 'approved').length;
        t.is(count('order_queue'), 1 + approved, 'nothing of the one that was given up');
        t.true(count('dead_letters') === 0, JSON.stringify(after['dead_letters']));
        t.notRegex(JSON.stringify({ ...after, dead_letters: [] }), SEALED, 'no card is kept');
      },
    );

test.serial(
  'fifty at once, half of them rejected: no clock knows of another order, and each approved one is queued once',
  async (t) => {
    const places = Array.from({ length: 50 }, (_, place) => place);
    const decided = await Promise.all(
      places.map((place) => stage.checkOut(place % 2 === 0 ? {} : { termsAccepted: false })),
    );
    t.is(new Set(decided.map(({ body }) => body.checkoutId)).size, 50);
    const approved = decided.filter((_, place) => place % 2 === 0).map(({ body }) => body.checkoutId);
    // It is approved first, and then put into the queue until it stands there.
    const queue = await until(
      'every approved one stands in the queue',
      () => shop.all<{ orderId: string }>('/v1/order-queue'),
      (all) => approved.every((id) => all.some(({ orderId }) => orderId === id)),
    );
    for (const [place, { body }] of decided.entries()) {
      const isApproved = place % 2 === 0;
      t.is(body.status, isApproved ? 'approved' : 'rejected');
      const { body: events } = await stack.api.get<readonly EventView[]>(`/v1/checkouts/${body.checkoutId}/events`);
      t.is(events.map(({ event }) => event).join(''), isApproved ? 'ABDCEF' : 'AB');
      t.true(events.every(({ clock }) => covers({ verification: 3, fraud: 2, suggestions: 1 }, clock)));
      const { text } = await stage.ask(`/v1/checkouts/${body.checkoutId}/shiviz.log`, undefined, {
        authorization: `Bearer ${stack.operatorToken}`,
      });
      for (const other of decided) if (other.body !== body) t.false(text.includes(other.body.checkoutId));
      t.is(queue.filter(({ orderId }) => orderId === body.checkoutId).length, isApproved ? 1 : 0);
    }
  },
);

test.serial(
  'an executor killed between: each approved order begins once, is charged once, and is mailed once',
  async (t) => {
    await shop.topUp('alice', 100_000);
    const decided = [];
    for (let n = 0; n < 6; n += 1) {
      decided.push((await stage.checkOut()).body.checkoutId);
      // The one killed before may not be back yet.
      if (n % 2 === 0) await until('an executor is killed', () => (stack.kill('executor', 'SIGKILL'), true), Boolean);
    }
    for (const orderId of decided) {
      const { order } = await shop.ended(orderId);
      t.is(order.status, 'completed', JSON.stringify(order));
      t.is((await shop.payments(orderId)).length, 1);
      await until(
        'its mail is sent',
        () => shop.mails(orderId),
        (all) => all.length === 1,
      );
    }
    const entries = await shop.entries('alice');
    for (const id of decided)
      t.is(entries.filter(({ kind, orderId }) => kind === 'capture' && orderId === id).length, 1, id);
    const queue = await shop.all<{ orderId: string; term?: number; executedBy?: string }>('/v1/order-queue');
    for (const id of decided) {
      const of = queue.filter(({ orderId }) => orderId === id);
      t.is(of.length, 1);
      t.true(of[0]!.executedBy !== undefined && of[0]!.term !== undefined, 'it says who, and in which term');
    }
  },
);

test.serial('what is stored has no violation', async (t) => {
  await stage.cleared();
  const { body } = await stack.api.post<{ violations: number }>('/v1/audit', {});
  t.is(body.violations, 0, JSON.stringify(body));
});
