import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bannedCalls, findBannedCalls } from './banned-calls.ts';

function rulesBroken(path: string, text: string): string[] {
  return findBannedCalls([{ path, text }]).map(({ rule, line }) => `${rule}:${line}`);
}

/** One deliberately wrong line for each row of the table. */
const wrong: Readonly<Record<string, readonly string[]>> = {
  'wall-clock': ['const nowMs = Date.now();', 'const today = new Date();'],
  'monotonic-clock': ['const nowMs = performance.now();', 'process.hrtime.bigint();'],
  timers: ['setTimeout(close, 10);', 'this.#timer = setInterval(tick, 10);'],
  random: ['const jitter = Math.random();'],
  environment: ['const home = process.env.HOME;', "process.env['HOME'];"],
  console: ["console.log('ready');"],
  'bare-error': ["throw new Error('no');", "throw new TypeError('no');"],
  'json-parse': ['JSON.parse(text);'],
  'buffer-concat': ['body = Buffer.concat([body, chunk]);'],
  'body-to-string': ['request.body.toString();', 'requestChunk.toString("utf8")'],
  consumer: ['exchange.consumer = found;'],
  fetch: ["await fetch('http://a/');", "globalThis.fetch('http://a/')"],
  only: ["test.only('a', () => {});", "it('a', { only: true }, () => {});"],
  sleep: [
    'await sleep(10);',
    'await new Promise((resolve) => setTimeout(resolve, 10));',
    "import { setTimeout } from 'node:timers/promises';",
  ],
};

for (const { rule } of bannedCalls) {
  test(`finds a broken ban on ${rule}`, () => {
    assert.ok(wrong[rule], `no wrong snippet for ${rule}`);
    for (const text of wrong[rule]) {
      const broken = rulesBroken('src/net/pool.ts', `\n${text}`);
      assert.ok(broken.includes(`${rule}:2`), `${text}: ${broken.join(' ')}`);
    }
  });
}

test('names the replacement', () => {
  const [finding] = findBannedCalls([{ path: 'src/net/pool.ts', text: 'Date.now()' }]);
  assert.match(finding!.message, /^Date\.now: .*Clock/);
});

test('does not search comments and strings', () => {
  assert.deepEqual(rulesBroken('src/net/pool.ts', "// Date.now() and JSON.parse()\nconst help = 'never fetch(x)';"), []);
});

test('searches the expressions inside templates', () => {
  assert.deepEqual(rulesBroken('src/net/pool.ts', '`now: ${Date.now()}`'), ['wall-clock:1']);
});

test('lets commands and the runtime talk to the process', () => {
  assert.deepEqual(rulesBroken('src/cli/main.ts', "console.log(process.env.HOME); throw new Error('a');"), []);
  assert.deepEqual(rulesBroken('src/runtime/threads.ts', 'process.env.HOME; setTimeout(kill, 10);'), []);
});

test('lets tests use real time and errors, but neither sleep nor run alone', () => {
  assert.deepEqual(rulesBroken('src/net/pool.test.ts', "Date.now(); throw new Error('a');"), []);
  assert.deepEqual(rulesBroken('src/net/pool.test.ts', 'await sleep(5);\ntest.only(name, run);').sort(), ['only:2', 'sleep:1']);
});

test('lets a class have methods of its own with such names', () => {
  assert.deepEqual(rulesBroken('src/admin/api.ts', 'app.fetch(request);'), []);
  assert.deepEqual(rulesBroken('src/admin/api.ts', 'class A {\n  fetch(url: string): void {\n  }\n}'), []);
});
