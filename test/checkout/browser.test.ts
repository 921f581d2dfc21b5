/** CK-1 in a real browser: the page over the services in memory, with and without its script, on a phone, and by keyboard. */
import { existsSync } from 'node:fs';
import { setTimeout as realMs } from 'node:timers/promises';
import test from 'ava';
import { type Browser, chromium, type Page } from 'playwright-core';
import { checkoutTown } from './checkout-town.ts';
import { connectionTo } from '#test/town/connection.ts';
import { startWorld } from '#test/services/gateway/world.ts';
import { sealedPlainly } from '#test/support/checkouts.ts';
import { goods } from '#test/support/goods.ts';
import { testIf } from '#test/support/test-if.ts';
import { fields } from '#services/gateway/checkout-page/form.ts';
import { services } from '#services/services.ts';
import { storedViews } from '#shared/web/api.ts';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path));
const PHONE = { width: 375, height: 700 };
/** Where the picture of the page is to go; absent: nowhere. */
const PICTURE = process.env['CHECKOUT_PICTURE'];

const inBrowser = testIf(CHROMIUM !== undefined, 'no Chromium is installed: apt-get install chromium');

let browser: Browser;
let pageUrl: string;
let isRunning = true;

test.before(async () => {
  if (CHROMIUM === undefined) return;
  const town = await checkoutTown();
  const stored = storedViews(
    services,
    connectionTo(new Map([...town.homes].map(([name, { store }]) => [name, store]))),
  );
  const views = {
    order: stored['order'],
    checkout: { ...(stored['checkout'] as object), seal: sealedPlainly },
    catalogue: {
      list: async () => ({ items: goods.map(({ sku, name }) => ({ sku, name })) }),
      categoriesOf: async () => new Map(),
    },
  };
  const bus = town.broker.connect('gateway');
  const world = await startWorld({
    clock: town.clock,
    bus,
    views,
    goods,
    settings: { outcomeMs: 60_000 },
    card: '4242 4242 4242 4242',
  });
  pageUrl = `${world.url}/checkout`;
  void (async () => {
    while (isRunning) {
      await town.clock.advance(20);
      await realMs(2);
    }
    await world.stop();
  })();
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] });
});
test.after.always(async () => {
  isRunning = false;
  await (browser as Browser | undefined)?.close();
});

async function opened(
  options: { readonly javaScriptEnabled?: boolean; readonly viewport?: typeof PHONE } = {},
): Promise<Page> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  await page.goto(pageUrl);
  return page;
}

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with its script' : 'without JavaScript';
  inBrowser(`${how}: what is filled in already is approved, with suggestions`, async (t) => {
    const page = await opened({ javaScriptEnabled });
    t.is(await page.inputValue('[name="creditCard.number"]'), '4242 4242 4242 4242');
    await page.selectOption('#sku', 'book');
    await page.click('button');
    await page.waitForSelector('.approved');
    t.regex((await page.textContent('#outcome')) ?? '', /Order approved/);
    const suggested = await page
      .locator('#suggestions li')
      .evaluateAll((all) => all.map((one) => (one as { dataset: { sku?: string } }).dataset.sku));
    t.true(suggested.length > 0 && !suggested.includes('book'), String(suggested));
    await page.context().close();
  });

  inBrowser(`${how}: the reason stands beside its field, and is read out with it`, async (t) => {
    const page = await opened({ javaScriptEnabled });
    await page.fill('[name="creditCard.cvv"]', '1');
    await page.fill('[name="creditCard.number"]', '4242 4242 4242 4241');
    await page.click('button');
    await page.waitForSelector('[role=alert]');
    const number = page.locator('[name="creditCard.number"]');
    t.is(await number.getAttribute('aria-invalid'), 'true');
    const described = await number.getAttribute('aria-describedby');
    t.regex((await page.textContent(`[id="${described}"]`)) ?? '', /mistyped/);
    t.regex((await page.textContent('[id="creditCard.cvv-error"]')) ?? '', /three or four digits/);
    t.is(await number.inputValue(), javaScriptEnabled ? '4242 4242 4242 4241' : '', 'a page never has it again');
    if (PICTURE !== undefined && javaScriptEnabled) await page.screenshot({ path: PICTURE, fullPage: true });
    await page.context().close();
  });
}

inBrowser(
  'on a phone nothing is wider than it, and by keyboard alone one gets from the product to the order',
  async (t) => {
    const page = await opened({ viewport: PHONE });
    t.true(await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth'));
    await page.focus('#sku');
    const passed: string[] = [];
    for (let presses = 0; presses < 20 && passed.at(-1) !== 'BUTTON'; presses += 1) {
      passed.push(await page.evaluate<string>('document.activeElement.name || document.activeElement.tagName'));
      if (passed.at(-1) !== 'BUTTON') await page.keyboard.press('Tab');
    }
    t.is(passed.at(-1), 'BUTTON', passed.join());
    for (const name of ['sku', 'quantity', ...fields.map((field) => field.name), 'termsAccepted'])
      t.true(passed.includes(name), name);
    await page.keyboard.press('Enter');
    await page.waitForSelector('.approved');
    await page.context().close();
  },
);
