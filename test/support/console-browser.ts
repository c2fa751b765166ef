/** A real browser that looks at the console of a real gateway, and notes what a console must not do. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, type TestContext } from 'node:test';
import axe from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const repositoryRoot = join(import.meta.dirname, '../..');
const picturesFolder = join(repositoryRoot, 'test-results/console');
const executablePath = '/usr/bin/chromium';
/** On a machine that has much else to do. */
const PATIENCE_MS = 30_000;

export interface ConsolePage {
  readonly page: Page;
  /** Goes to a page of the console by its name, and waits for its title. */
  visit(path: string, title: string): Promise<void>;
  /** Fails when something is wrong that no user would see at once. */
  assertClean(): void;
}

export interface ConsolePageOptions extends BrowserContextOptions {
  /** Answers of the API with such a status are expected. */
  readonly refusals?: readonly number[];
}

let browser: Promise<Browser> | undefined;

/** One for all tests of a file. */
function openBrowser(): Promise<Browser> {
  browser ??= chromium.launch({ executablePath, args: ['--no-sandbox'], timeout: PATIENCE_MS });
  return browser;
}

after(async () => {
  const opened = await browser;
  await opened?.close();
});

/** `address`: of the admin side, such as `http://127.0.0.1:9080`. */
export async function openConsole(t: TestContext, address: string, options: ConsolePageOptions = {}): Promise<ConsolePage> {
  const { refusals = [], ...contextOptions } = options;
  const context = await (await openBrowser()).newContext({ viewport: { width: 1440, height: 900 }, ...contextOptions });
  t.after(() => context.close());
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('console', (message) => {
    const isRefusal = refusals.some((status) => message.text().includes(`status of ${status} `));
    if (message.type() === 'error' && !isRefusal) faults.push(`console: ${message.text()}`);
  });
  page.on('dialog', (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== new URL(address).origin) faults.push(`foreign: ${request.url()}`);
  });
  await page.addInitScript(
    "globalThis.violations = []; document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => globalThis.violations.push(violatedDirective + ' ' + blockedURI));",
  );
  return {
    page,
    async visit(path, title) {
      await page.goto(`${address}/#${path}`);
      await page.getByRole('heading', { level: 1, name: title, exact: true }).waitFor();
    },
    assertClean() {
      assert.deepEqual(faults, []);
    },
  };
}

/** What axe finds serious or critical, and what the content security policy has stopped. */
export async function findFaults(page: Page): Promise<string[]> {
  const violations = await page.evaluate('globalThis.violations');
  assert.ok(Array.isArray(violations));
  // By the debugger, which the policy of the page does not bind.
  await page.evaluate(`${axe.source};0`);
  const found = await page.evaluate(`axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
    violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => id + ': ' + nodes.slice(0, 3).map(({ html }) => html).join(' | ')))`);
  assert.ok(Array.isArray(found));
  return [...violations, ...found];
}

/** How far the page is wider than the screen. */
export async function overflowOf(page: Page): Promise<number> {
  return Number(await page.evaluate('Math.max(0, document.documentElement.scrollWidth - innerWidth)'));
}

/** Kept for people to look at: `test-results/console/NAME.png`. */
export async function takePicture(page: Page, name: string): Promise<void> {
  mkdirSync(picturesFolder, { recursive: true });
  await page.screenshot({ path: join(picturesFolder, `${name}.png`), fullPage: true });
}
