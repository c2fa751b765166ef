/** Files over real connections: what is sent of them, what is refused, and that nothing of the machine is had beside them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startSite } from '#test/support/site.ts';

test('a file is answered with its type, its length and its validators', async (t) => {
  const { ask } = await startSite(t, { files: { 'a.css': 'a{}' } });
  const answer = await ask('GET /a.css');
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
  console.log(answer);
});
