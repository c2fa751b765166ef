/** The live tail: what passes, filtered, paused, and chosen by keyboard. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findFaults, openConsole, takePicture } from '#test/support/console-browser.ts';
import { startConsoleSite } from '#test/support/console-site.ts';
import { needs } from '#test/support/programs.ts';

const FILLED_WITHIN_MS = 60_000;
const rows = '.tail-table tbody tr';

test('shows requests as they end, those that the filters let through', needs('chromium'), async (t) => {
  const { address, send } = await startConsoleSite(t);
  const { page, visit, assertClean } = await openConsole(t, address, { refusals: [400] });
  await visit('/tail', 'Live tail');
  const state = page.locator('.tail-state');
  await state.getByText('Live').waitFor();
  await send('/orders/1');
  await page.locator(rows).getByText('GET /orders/1').waitFor();
  await send('/orders/broken');
  await page.locator(rows).getByText('503').waitFor();
  assert.deepEqual(await findFaults(page), []);
  await takePicture(page, 'light-tail');
  await page.emulateMedia({ colorScheme: 'dark' });
  assert.deepEqual(await findFaults(page), []);
  await takePicture(page, 'dark-tail');

  await page.getByLabel('Status', { exact: true }).selectOption('5xx');
  await page.waitForURL(/status=5xx/);
  await page.getByText('Only those that the filters let through').waitFor();
  await state.getByText('Live').waitFor();
  await send('/orders/2');
  await send('/orders/broken?second');
  await page.locator(rows).getByText('/orders/broken?second').waitFor();
  assert.equal(await page.locator(rows).count(), 1);

  // A filter that cannot be read is refused with the reason, and the next one is taken.
  await page.getByLabel('Path').fill('orders');
  await page.getByRole('alert').waitFor();
  await page.getByLabel('Path').fill('/orders/*');
  await page.getByText('Only those that the filters let through').waitFor();
  await state.getByText('Live').waitFor();
  await send('/orders/broken?third');
  await page.locator(rows).getByText('/orders/broken?third').waitFor();
  assertClean();
});

test('pauses, counts what comes, and goes on', needs('chromium'), async (t) => {
  const { address, send } = await startConsoleSite(t);
  const { page, visit } = await openConsole(t, address);
  await visit('/tail?route=hello', 'Live tail');
  await page.locator('.tail-state').getByText('Live').waitFor();
  await page.getByRole('button', { name: 'Pause' }).click();
  await send('/hello/one');
  await send('/hello/two');
  await page.getByText('Paused, 2 new').waitFor();
  assert.equal(await page.locator(rows).count(), 0);
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.locator(rows).getByText('/hello/two').waitFor();
  assert.equal(await page.locator(rows).count(), 2);
});

test('leads through rows by the arrows, and opens one with all that is known', needs('chromium'), async (t) => {
  const { address, send } = await startConsoleSite(t);
  const { page, visit } = await openConsole(t, address);
  await visit('/tail', 'Live tail');
  await page.locator('.tail-state').getByText('Live').waitFor();
  for (const name of ['one', 'two', 'three']) await send(`/orders/${name}`);
  await page.locator(rows).nth(2).waitFor();
  await page.locator(`${rows} button`).first().focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'GET /orders/one' });
  await dialog.getByText('rate-limit').first().waitFor();
  await takePicture(page, 'light-exchange');
  assert.deepEqual(await findFaults(page), []);
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
});

test('holds no more rows than a screen can use', needs('chromium'), async (t) => {
  const { address, send } = await startConsoleSite(t);
  const { page, visit } = await openConsole(t, address);
  await visit('/tail', 'Live tail');
  await page.locator('.tail-state').getByText('Live').waitFor();
  const full = page.getByText('the last 500');
  // The gateway passes some over when there are many in a second.
  const givesUpMs = performance.now() + FILLED_WITHIN_MS;
  for (let round = 0; performance.now() < givesUpMs && !(await full.isVisible()); round++)
    await Promise.all(Array.from({ length: 20 }, (_, i) => send(`/hello/${round}-${i}`)));
  await full.waitFor();
  assert.equal(await page.locator(rows).count(), 500);
});
