/** What an operator does with the console: walks by keyboard, asks, changes, and looks at names that somebody has made up. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findFaults, openConsole, takePicture } from '#test/support/console-browser.ts';
import { startConsoleSite } from '#test/support/console-site.ts';
import { eventually, eventuallyAnswers } from '#test/support/eventually.ts';
import { needs } from '#test/support/programs.ts';

test('all of it is reached by keyboard, and it shows where one is', needs('chromium'), async (t) => {
  const { address } = await startConsoleSite(t);
  const { page, visit } = await openConsole(t, address);
  await visit('/', 'Overview');
  const focused = () => page.evaluate('document.activeElement?.textContent');
  await page.keyboard.press('Tab');
  assert.equal(await focused(), 'Skip to the content');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate('document.activeElement.id'), 'content');
  await page.keyboard.press('Tab');
  assert.equal(await focused(), 'All routes');
  assert.notEqual(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle'), 'none');
  await page.keyboard.press('Enter');
  // Whoever followed the link stands at the title of the page that it led to.
  await page.locator('h1:focus').waitFor();
  assert.equal(await focused(), 'Routes');
  assert.equal(await page.getByRole('link', { name: 'Routes', exact: true }).first().getAttribute('aria-current'), 'page');
});

test('a route is found by a part of its name, from wherever one is', needs('chromium'), async (t) => {
  const { address } = await startConsoleSite(t);
  const { page, visit, assertClean } = await openConsole(t, address);
  await visit('/limits', 'Limits');
  await page.keyboard.press('/');
  const dialog = page.getByRole('dialog', { name: 'Go to' });
  await dialog.getByRole('link', { name: 'Overview' }).waitFor();
  assert.deepEqual(await findFaults(page), []);
  await page.keyboard.type('catal');
  await dialog.getByRole('link', { name: 'catalogue route' }).waitFor();
  await dialog.getByRole('link', { name: 'catalogue service' }).waitFor();
  await takePicture(page, 'light-go-to');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'catalogue' }).waitFor();
  assert.match(page.url(), /#\/services\/catalogue$/);
  assertClean();
});

test('a request is explained by the gateway', needs('chromium'), async (t) => {
  const { address } = await startConsoleSite(t);
  const { page, visit, assertClean } = await openConsole(t, address);
  await visit('/explain', 'Explain');
  await page.getByLabel('URL or path').fill('http://shop.example/orders/7');
  await page.getByRole('button', { name: 'Explain' }).click();
  await page.locator('.explanation').getByRole('link', { name: 'orders' }).first().waitFor();
  await page.locator('.explanation').getByText('rate-limit').first().waitFor();
  await takePicture(page, 'light-explanation');
  await page.getByLabel('URL or path').fill('/nowhere');
  await page.keyboard.press('Enter');
  await page.getByText('No route takes this request.').waitFor();
  assert.deepEqual(await findFaults(page), []);
  assertClean();
});

test('an endpoint drains after a confirmation, and not before', needs('chromium'), async (t) => {
  const { address, admin, orders } = await startConsoleSite(t);
  const { page, visit } = await openConsole(t, address);
  await visit('/services/orders', 'orders');
  await page.getByRole('button', { name: `Drain ${orders.url}` }).click();
  const dialog = page.getByRole('dialog', { name: 'Drain this endpoint?' });
  await dialog.waitFor();
  assert.deepEqual(await findFaults(page), []);
  await takePicture(page, 'light-confirmation');
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  const isDraining = async () => (await admin('/api/services/orders')).body.includes('"draining":true');
  assert.equal(await isDraining(), false);
  await page.getByRole('button', { name: `Drain ${orders.url}` }).click();
  await dialog.getByRole('button', { name: 'Drain' }).click();
  await page.locator('.table').getByText('draining').waitFor();
  assert.equal(await isDraining(), true);
});

test('a weight that cannot be is refused in the dialog', needs('chromium'), async (t) => {
  const { address, orders } = await startConsoleSite(t);
  const { page, visit } = await openConsole(t, address);
  await visit('/services/orders', 'orders');
  await page.getByRole('button', { name: `Weight of ${orders.url}` }).click();
  const dialog = page.getByRole('dialog', { name: 'Weight of this endpoint' });
  await dialog.getByRole('textbox').fill('1001');
  await dialog.getByRole('button', { name: 'Set weight' }).click();
  await dialog.getByRole('alert').getByText('A whole number from 0 to 1000').waitFor();
  await dialog.getByRole('textbox').fill('7');
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'detached' });
  await page.locator('td.number').getByText('7', { exact: true }).waitFor();
});

test('a configuration is checked, compared with others, and gone back from', needs('chromium'), async (t) => {
  const { address, admin, gateway } = await startConsoleSite(t);
  const present = async () => JSON.parse((await admin('/api/configuration')).body).hash as string;
  const first = await present();
  assert.deepEqual(
    await gateway.reconfigure({
      admin: { address: '127.0.0.1:0' },
      routes: { hello: { match: { path: '/hello' }, to: { respond: { text: 'new' } } } },
    }),
    [],
  );
  const { page, visit, assertClean } = await openConsole(t, address);
  await visit('/configuration', 'Configuration');
  const text = page.getByLabel('Configuration as YAML; checking it changes nothing');
  assert.match(await text.inputValue(), /text: *"?new/);
  await gateway.reconfigure({
    admin: { address: '127.0.0.1:0' },
    routes: { hello: { match: { path: '/hello' }, to: { respond: { text: 'newer' } } } },
  });
  // Nobody has written anything there, so it is what runs.
  await eventuallyAnswers(async () => assert.match(await text.inputValue(), /text: *"?newer/));
  await text.fill('version: 1\nlisteners: { web: { addres: ":8080" } }\n');
  await page.getByRole('button', { name: 'Check' }).click();
  await page.locator('.line-list').getByText('addres').first().waitFor();
  assert.deepEqual(await findFaults(page), []);
  await takePicture(page, 'light-checked');
  // What was found says nothing of another text.
  await text.fill('version: 1\n');
  await page.locator('.line-list').waitFor({ state: 'detached' });

  await page
    .locator('#content')
    .getByRole('link', { name: (await present()).slice(0, 8) })
    .click();
  await page.locator('.difference-added').getByText('new').waitFor();
  assert.deepEqual(await findFaults(page), []);
  await takePicture(page, 'light-difference');

  await visit('/configuration', 'Configuration');
  await page.getByRole('button', { name: `Roll back to ${first.slice(0, 8)}` }).click();
  const dialog = page.getByRole('dialog', { name: 'Roll back the configuration?' });
  await dialog.getByRole('button', { name: 'Roll back' }).click();
  await dialog.waitFor({ state: 'detached' });
  assert.equal(await present(), first);
  await page.getByRole('cell', { name: 'rollback' }).waitFor();
  assertClean();
});

test('what shows secrets as stars is not offered to be applied', needs('chromium'), async (t) => {
  const { address } = await startConsoleSite(t);
  const { page, visit } = await openConsole(t, address);
  await visit('/configuration', 'Configuration');
  const apply = page.getByRole('button', { name: 'Apply…' });
  await page.getByText('write the secrets').first().waitFor();
  await apply.focus();
  await page.keyboard.press('Enter');
  assert.equal(await page.getByRole('dialog').count(), 0);
  await page
    .getByLabel('Configuration as YAML; checking it changes nothing')
    .fill('version: 1\nlisteners: { web: { address: ":0" } }\n');
  await apply.click();
  await page.getByRole('dialog').getByRole('button', { name: 'Apply' }).click();
  // `admin.apply` is off, and the dialog says what the gateway says.
  await page.getByRole('alert').getByText('admin.apply').waitFor();
});

test('a quota is reset, and the cache purged, after a confirmation', needs('chromium'), async (t) => {
  const { address, send, catalogue } = await startConsoleSite(t);
  const { page, visit } = await openConsole(t, address);
  await send('/orders/1');
  await visit('/limits', 'Limits');
  await page.locator('span').getByText('1 of 100,000').waitFor();
  await page.getByRole('button', { name: /^Reset / }).click();
  await page.getByRole('dialog', { name: 'Reset this quota?' }).getByRole('button', { name: 'Reset' }).click();
  await page.locator('span').getByText('1 of 100,000').waitFor({ state: 'detached' });
  for (let i = 0; i < 2; i++) await send('/catalogue/1');
  assert.equal(catalogue.asked.length, 1);
  await visit('/cache', 'Cache');
  await page.getByLabel('URL').fill('http://shop.example/catalogue/1');
  await page.getByRole('button', { name: 'Purge' }).click();
  await page.getByRole('dialog', { name: 'Purge the cache?' }).getByRole('button', { name: 'Purge' }).click();
  await page.getByText('1 answer was thrown out of memory.').waitFor();
  await send('/catalogue/1');
  assert.equal(catalogue.asked.length, 2);
});

const HOSTILE = '<img src=x onerror=alert(1)>';

test('what clients and configurations write stays text', needs('chromium'), async (t) => {
  const script = '"><script>alert(2)</script>';
  const { address, send } = await startConsoleSite(t, {
    routes: {
      orders: {
        match: { path: { regex: `/.*${HOSTILE}` }, headers: { 'x-kind': script } },
        policies: { headers: { request: { set: { 'x-note': script } } } },
        to: 'orders',
      },
      broken: { match: { path: '/broken/*' }, to: { respond: { status: 500, text: script } } },
    },
  });
  const { page, visit, assertClean } = await openConsole(t, address, { refusals: [400, 404] });
  const target = `/broken/${encodeURI(script)}?q="onload=alert(3)&${HOSTILE.replaceAll(' ', '+')}`;
  await visit('/tail', 'Live tail');
  await page.locator('.tail-state').getByText('Live').waitFor();
  const { status } = await send(target, { headers: { 'user-agent': HOSTILE, 'x-request-id': HOSTILE } });
  assert.equal(status, 500);
  await page.locator('.tail-target button').getByText(target).click();
  await page.getByRole('dialog').getByText(target).first().waitFor();
  await page.keyboard.press('Escape');
  for (const [path, title, text] of [
    ['/', 'Overview', target],
    ['/map', 'Map', 'broken'],
    ['/routes', 'Routes', HOSTILE],
    ['/routes/orders', 'orders', HOSTILE],
    ['/routes/broken', 'broken', script],
    ['/configuration', 'Configuration', HOSTILE],
    [`/tail?path=${encodeURIComponent(HOSTILE)}`, 'Live tail', HOSTILE],
    [`/routes/${encodeURIComponent(HOSTILE)}`, HOSTILE, 'GH_ADMIN'],
    [`/explain?url=${encodeURIComponent(script)}&method=${encodeURIComponent(HOSTILE)}`, 'Explain', HOSTILE],
    [`/${encodeURIComponent(HOSTILE)}`, 'Not found', 'There is no such page'],
  ] as const) {
    await visit(path, title);
    await page.locator('#content').getByText(text).first().waitFor({ state: 'attached' });
    assert.deepEqual(await page.evaluate('globalThis.violations'), [], path);
    assert.equal(await page.locator('#content script, #content img').count(), 0, path);
  }
  assertClean();
});

test('says so when the gateway no longer answers', needs('chromium'), async (t) => {
  const { address, gateway } = await startConsoleSite(t);
  const { page, visit } = await openConsole(t, address);
  await visit('/', 'Overview');
  await page.locator('.live-state').getByText('Live').waitFor();
  await gateway.stop();
  await page.getByText(/^No data since \d+ s\./).waitFor();
  await page.getByText('No answer', { exact: true }).waitFor();
  await takePicture(page, 'light-stale');
});

test('asks no second time while the gateway has not answered', needs('chromium'), async (t) => {
  const { address } = await startConsoleSite(t);
  const { page, visit } = await openConsole(t, address);
  await page.clock.install();
  let asked = 0;
  await page.route('**/api/certificates', () => {
    asked += 1;
  });
  await visit('/certificates', 'Certificates');
  await eventually(() => asked === 1, 'the page has asked');
  await page.clock.runFor(10 * 60_000);
  await page.getByRole('link', { name: 'Overview' }).click();
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
  assert.equal(asked, 1);
});

test('closes a stream that it cannot read before it opens the next', needs('chromium'), async (t) => {
  const { address } = await startConsoleSite(t);
  const { page, visit } = await openConsole(t, address);
  await page.addInitScript(`{
    const send = fetch;
    window.signals = [];
    window.fetch = (path, init) => {
      if (!path.startsWith('/api/tap')) return send(path, init);
      signals.push(init.signal);
      const start = (controller) => controller.enqueue(new TextEncoder().encode('event: exchange\\ndata: {\\n\\n'));
      return Promise.resolve(new Response(new ReadableStream({ start })));
    };
  }`);
  await visit('/tail', 'Live tail');
  await eventuallyAnswers(async () => assert.equal(await page.evaluate('signals.length'), 3));
  assert.deepEqual(await page.evaluate('signals.slice(0, -1).map(({ aborted }) => aborted)'), [true, true]);
});

test('rests while nobody looks', needs('chromium'), async (t) => {
  const { address } = await startConsoleSite(t);
  const { page, visit } = await openConsole(t, address);
  let open = 0;
  page.on('request', (request) => {
    if (request.url().endsWith('/api/traffic/stream')) open += 1;
  });
  const ended = (request: { url(): string }) => {
    if (request.url().endsWith('/api/traffic/stream')) open -= 1;
  };
  page.on('requestfailed', ended).on('requestfinished', ended);
  await visit('/', 'Overview');
  await page.locator('.live-state').getByText('Live').waitFor();
  await eventually(() => open === 1, 'the stream is open');
  const show = (state: string) =>
    page.evaluate(
      `Object.defineProperty(document, 'visibilityState', { value: '${state}', configurable: true }); document.dispatchEvent(new Event('visibilitychange'))`,
    );
  await show('hidden');
  await eventually(() => open === 0, 'the stream is closed');
  await show('visible');
  await eventually(() => open === 1, 'the stream is open again');
});
