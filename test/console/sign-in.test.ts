/** Who is let in, and what he may do there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findFaults, openConsole, takePicture } from '#test/support/console-browser.ts';
import { startConsoleSite } from '#test/support/console-site.ts';
import { needs } from '#test/support/programs.ts';

const ADMIN_TOKEN = 'token-of-the-admin-0123456789';
const READ_TOKEN = 'token-of-a-reader-0123456789';

test('asks for the token, refuses a wrong one, and forgets the right one when asked to', needs('chromium'), async (t) => {
  const { address } = await startConsoleSite(t, { admin: { address: '127.0.0.1:0', token: ADMIN_TOKEN } });
  const { page, assertClean } = await openConsole(t, address, { refusals: [401] });
  await page.goto(`${address}/#/services`);
  const field = page.getByLabel('Token');
  await field.waitFor();
  assert.deepEqual(await findFaults(page), []);
  await takePicture(page, 'light-sign-in');
  await field.fill('token-of-somebody-else-0123');
  await page.keyboard.press('Enter');
  await page.getByText('The gateway does not know this token.').waitFor();
  await field.fill(ADMIN_TOKEN);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { level: 1, name: 'Services' }).waitFor();
  await page.locator('#content').getByRole('link', { name: 'orders' }).waitFor();

  // It lives as long as the tab.
  await page.reload();
  await page.locator('#content').getByRole('link', { name: 'orders' }).waitFor();
  assert.equal(await page.evaluate('localStorage.length + document.cookie.length'), 0);

  await page.getByRole('button', { name: 'Sign out' }).click();
  await field.waitFor();
  assert.equal(await page.evaluate('sessionStorage.length'), 0);
  assertClean();
});

test('what a role may not do is disabled, with the reason', needs('chromium'), async (t) => {
  const { address, orders } = await startConsoleSite(t, {
    admin: { address: '127.0.0.1:0', tokens: { reader: { token: READ_TOKEN, role: 'read' } } },
  });
  const { page } = await openConsole(t, address, { refusals: [401] });
  await page.goto(`${address}/#/services/orders`);
  await page.getByLabel('Token').fill(READ_TOKEN);
  await page.keyboard.press('Enter');
  const button = page.getByRole('button', { name: `Drain ${orders.url}` });
  await page.getByText('reader (read)').waitFor();
  await button.waitFor();
  assert.equal(await button.getAttribute('aria-disabled'), 'true');
  assert.equal(await button.getAttribute('title'), 'Needs the role operate; yours is read.');
  await button.focus();
  await page.keyboard.press('Enter');
  assert.equal(await page.getByRole('dialog').count(), 0);
  assert.deepEqual(await findFaults(page), []);
});
