/** Random targets, made of what has been used to get out of folders: what is taken for a path never leads out of one. */
import assert from 'node:assert/strict';
import { posix, win32 } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { normaliseTarget } from '#http/target.ts';
import { fuzzParameters } from '#test/support/fuzz-parameters.ts';
import { toFilePath } from './file-path.ts';

const pieces = fc.constantFrom(
  ...['/', '.', '..', '...', '%2e', '%2E', '%2f', '%2F', '%5c', '\\', '%00', '%0a', '%25', '%c0%ae', '%ef%bc%8e', ';', '%3b'],
  ...['a', 'A', '.git', '.well-known', '~', ':', '%20', ' ', '%7f', 'C:', '%ff', '%e2%80%ae', '?', '#', '%', '%2'],
);
const targets = fc.array(pieces, { maxLength: 12 }).map((parts) => `/${parts.join('')}`);
const FOLDER = '/srv/site';

test('no path leads out of the folder, and none has a name that is not served', (context) => {
  let taken = 0;
  fc.assert(
    fc.property(targets, fc.boolean(), (target, allowsDotfiles) => {
      const normalised = normaliseTarget(target, 'GET');
      if (typeof normalised === 'string') return;
      const path = toFilePath(normalised.path.slice(1), { allowsDotfiles });
      if (path === undefined) return;
      taken += 1;
      const resolved = posix.resolve(FOLDER, path);
      assert.ok(resolved === FOLDER || resolved.startsWith(`${FOLDER}/`), path);
      assert.equal(posix.normalize(`${FOLDER}/${path}`), `${FOLDER}/${path}`);
      assert.ok(!/[\x00-\x1f\\]/.test(path) && !path.startsWith('/'));
      assert.ok(!path.split('/').includes('..') && !/^\.\.(?:[\\/]|$)/.test(win32.normalize(path)));
      if (!allowsDotfiles) assert.ok(path.split('/').every((name) => !name.startsWith('.') || name === '.well-known'));
    }),
    fuzzParameters(context),
  );
  assert.ok(taken > 0, 'some are taken');
});

test('what has not been normalised is no way out either', (context) => {
  fc.assert(
    fc.property(targets, (target) => {
      const path = toFilePath(target.slice(1), { allowsDotfiles: true });
      if (path !== undefined && path !== '') assert.ok(posix.resolve(FOLDER, path).startsWith(`${FOLDER}/`), path);
    }),
    fuzzParameters(context),
  );
});
