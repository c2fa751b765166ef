import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SecretNames } from '#http/secret-names.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { ComparisonSide } from './comparison-side.ts';

test('an example shows no credential, wherever a configuration says that one stands', () => {
  const side = new ComparisonSide(new FakeClock());
  side.names = new SecretNames({ fields: ['x-door'], parameters: ['knock'] });
  side.add({
    kind: 'compared',
    route: 'orders',
    service: 'next',
    result: 'different',
    differences: [
      { kind: 'changed', part: 'field', at: 'x-door', before: 'hidden-1', after: 'hidden-2' },
      { kind: 'changed', part: 'body', at: '/knock', before: '"hidden-3"', after: '"hidden-4"' },
      { kind: 'changed', part: 'field', at: 'x-page', before: '1', after: '2' },
    ],
    id: 'r',
    method: 'GET',
    target: '/a?k%6eock=hidden-5&token=hidden-6&bare=eyJhidden&page=2',
  });
  const [found] = side.list();
  const shown = JSON.stringify(found);
  assert.doesNotMatch(shown, /hidden-|eyJ/);
  assert.match(shown, /page=2/);
  assert.match(shown, /"before":"1","after":"2"/);
});
