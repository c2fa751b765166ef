/** Each page of the console shows what is, in light and dark and on a phone, and everybody can read it. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Page } from 'playwright-core';
import { findFaults, openConsole, overflowOf, takePicture } from '#test/support/console-browser.ts';
import { type ConsoleSite, startConsoleSite } from '#test/support/console-site.ts';
import { needs } from '#test/support/programs.ts';

interface Shown {
  readonly path: string;
  readonly title: string;
  /** What shows that the data came from the gateway. */
  readonly texts: readonly string[];
}

const shown: readonly Shown[] = [
  { path: '/', title: 'Overview', texts: ['orders', '1 thread', '/orders/broken'] },
  { path: '/map', title: 'Map', texts: ['3 routes', 'catalogue', 'weight 0'] },
  { path: '/routes', title: 'Routes', texts: ['catalogue', 'hello', '1–3 of 3'] },
  { path: '/routes/orders', title: 'orders', texts: ['rate-limit', 'headers', '/orders/broken', 'path: /orders/*', '503'] },
  { path: '/services', title: 'Services', texts: ['orders', '1/2', 'degraded'] },
  { path: '/services/orders', title: 'orders', texts: ['http://127.0.0.1:9', 'Drain', 'Routes that lead here'] },
  { path: '/explain', title: 'Explain', texts: ['Shows the route that takes a request'] },
  { path: '/certificates', title: 'Certificates', texts: ['No certificates', 'web'] },
  { path: '/limits', title: 'Limits', texts: ['rate-limit', '10000/minute', 'of 100,000'] },
  { path: '/cache', title: 'Cache', texts: ['Answers kept', 'catalogue', 'hit'] },
  { path: '/consumers', title: 'Consumers', texts: ['mobile-app', 'gold'] },
  { path: '/configuration', title: 'Configuration', texts: ['current', 'catalogue:', 'Check another'] },
  { path: '/audit', title: 'Audit', texts: ['PATCH /api/services/{name}/endpoints/{id}', 'done'] },
];

/** As much as each page has something to show of. */
async function startBusySite(t: TestContext): Promise<ConsoleSite> {
  const site = await startConsoleSite(t);
  for (const path of ['/orders/7', '/orders/8', '/orders/broken', '/catalogue/1', '/catalogue/1', '/hello/ada', '/nothing'])
    await site.send(path);
  const id = Buffer.from('http://127.0.0.1:9').toString('base64url');
  assert.equal((await site.admin(`/api/services/orders/endpoints/${id}`, 'PATCH', { weight: 0 })).status, 200);
  return site;
}

/** `attached`: it is there, but may be left out where there is little room. */
function waitForTexts(page: Page, texts: readonly string[], state: 'visible' | 'attached' = 'visible'): Promise<unknown> {
  return Promise.all(texts.map((text) => page.locator('#content').getByText(text).first().waitFor({ state })));
}

test('every page shows real data, without a serious fault in light or dark', needs('chromium'), async (t) => {
  const { address } = await startBusySite(t);
  const { page, visit, assertClean } = await openConsole(t, address, { colorScheme: 'light' });
  for (const { path, title, texts } of shown) {
    await t.test(`${path} in light and dark`, async () => {
      await visit(path, title);
      await waitForTexts(page, texts);
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        assert.deepEqual(await findFaults(page), [], colorScheme);
        await takePicture(page, `${colorScheme}${path.replaceAll('/', '-')}`);
      }
      await page.emulateMedia({ colorScheme: 'light' });
    });
  }
  assertClean();
});

test('every page fits on a phone', needs('chromium'), async (t) => {
  const { address } = await startBusySite(t);
  const phone = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };
  const { page, visit, assertClean } = await openConsole(t, address, phone);
  for (const { path, title, texts } of shown) {
    await t.test(`${path} at 360 pixels`, async () => {
      await visit(path, title);
      await waitForTexts(page, texts, 'attached');
      assert.equal(await overflowOf(page), 0);
      await takePicture(page, `phone${path.replaceAll('/', '-')}`);
    });
  }
  await page.getByRole('button', { name: 'Menu' }).click();
  await page.getByRole('link', { name: 'Live tail' }).first().click();
  await page.getByRole('heading', { level: 1, name: 'Live tail' }).waitFor();
  assert.equal(await overflowOf(page), 0);
  assertClean();
});

test('the chosen theme holds over pages and loads', needs('chromium'), async (t) => {
  const { address } = await startConsoleSite(t);
  const { page, visit } = await openConsole(t, address, { colorScheme: 'light' });
  const groundOf = () => page.evaluate('getComputedStyle(document.documentElement).backgroundColor');
  await visit('/routes', 'Routes');
  const light = await groundOf();
  await page.getByLabel('Theme').selectOption('dark');
  const dark = await groundOf();
  assert.notEqual(dark, light);
  await page.reload();
  await page.getByRole('heading', { level: 1, name: 'Routes' }).waitFor();
  assert.equal(await groundOf(), dark);
});

test('the first page is painted within a second', needs('chromium'), async (t) => {
  const { address } = await startConsoleSite(t);
  const { page, visit } = await openConsole(t, address);
  // The first load also reads the files; what is measured is a user's second.
  await visit('/', 'Overview');
  const paints: number[] = [];
  // A machine that has much else to do may miss once.
  for (let round = 0; round < 5 && !paints.some((ms) => ms <= 1_000); round++) {
    await page.reload();
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
    paints.push(Number(await page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 1e9")));
  }
  assert.ok(
    paints.some((ms) => ms <= 1_000),
    `painted after ${paints.join(', ')} ms`,
  );
});
