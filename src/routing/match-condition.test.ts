import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileMatchConditions, describeCondition, describeFailure, findFailing } from './match-condition.ts';
import type { MatchDefinition, MatchSubject } from './route-definition.ts';

const request: MatchSubject = {
  listener: 'web',
  host: 'a.b',
  path: '/',
  query: '',
  method: 'GET',
  fields: [],
  clientAddress: '10.0.0.1',
};

function doesHold(match: MatchDefinition, facts: Partial<MatchSubject>): boolean {
  return findFailing(compileMatchConditions(match), { ...request, ...facts }) === undefined;
}

test('conditions on method, listener and client address hold for any element of their list', () => {
  assert.equal(doesHold({ methods: ['PUT', 'GET'] }, {}), true);
  assert.equal(doesHold({ methods: ['get'] }, {}), false);
  assert.equal(doesHold({ listeners: ['web', 'secure'] }, {}), true);
  assert.equal(doesHold({ listeners: ['secure'] }, {}), false);
  assert.equal(doesHold({ clientIps: ['::1', '10.0.0.0/8'] }, {}), true);
  assert.equal(doesHold({ clientIps: ['10.0.0.2'] }, {}), false);
  assert.equal(doesHold({ methods: [], listeners: [], clientIps: [] }, {}), true);
});

test('a header condition holds when any line of the field does', () => {
  const cases: [fields: string[], equals: boolean, regex: boolean, present: boolean][] = [
    [[], false, false, false],
    [['x-a', 'yes'], true, true, true],
    [['x-a', 'no', 'x-b', 'yes'], false, false, true],
    [['x-a', 'no', 'x-a', 'yes'], true, true, true],
    [['x-a', 'yes!'], false, false, true],
    [['x-a', 'YES'], false, true, true],
    [['x-a', ''], false, false, true],
    // A value is never taken for a name.
    [['x-b', 'x-a', 'yes', 'yes'], false, false, false],
  ];
  for (const [fields, equals, regex, present] of cases) {
    assert.equal(doesHold({ headers: { 'X-A': { equals: 'yes' } } }, { fields }), equals, `${fields}`);
    assert.equal(doesHold({ headers: { 'x-a': { regex: 'yes|YES' } } }, { fields }), regex, `${fields}`);
    assert.equal(doesHold({ headers: { 'x-a': { present: true } } }, { fields }), present, `${fields}`);
    assert.equal(doesHold({ headers: { 'x-a': { present: false } } }, { fields }), !present, `${fields}`);
  }
});

test('a query condition compares decoded names and values', () => {
  const cases: [query: string, equals: boolean, present: boolean][] = [
    ['', false, false],
    ['a=x%20y', true, true],
    ['a=x+y', true, true],
    ['%61=x%20y', true, true],
    ['b=1&a=x%20y', true, true],
    ['a=1&a=x%20y', true, true],
    ['a=x y', true, true],
    ['a=x%2By', false, true],
    ['a', false, true],
    ['a=', false, true],
    ['aa=x y', false, false],
    ['b=a=x y', false, false],
    ['b&&=&c', false, false],
    ['a=%zz', false, true],
  ];
  for (const [query, equals, present] of cases) {
    assert.equal(doesHold({ query: { a: { equals: 'x y' } } }, { query }), equals, query);
    assert.equal(doesHold({ query: { a: { regex: 'x y' } } }, { query }), equals, query);
    assert.equal(doesHold({ query: { a: { present: true } } }, { query }), present, query);
    assert.equal(doesHold({ query: { a: { present: false } } }, { query }), !present, query);
  }
});

test('an escape that encodes nothing is compared as it stands', () => {
  assert.equal(doesHold({ query: { a: { equals: '50%' } } }, { query: 'a=50%' }), true);
  assert.equal(doesHold({ query: { a: { equals: '50%' } } }, { query: 'a=50%25' }), true);
  assert.equal(doesHold({ query: { a: { equals: 'a+b' } } }, { query: 'a=a+b' }), false);
});

test('a query reads like URLSearchParams', () => {
  const piece = fc.constantFrom('a', 'b', 'ab', '=', '&', '%61', '%20', '+', ' ', '%C3%A9', 'é', '');
  const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
  fc.assert(
    fc.property(
      text,
      fc.constantFrom('a', 'b', 'ab', ''),
      fc.constantFrom('', 'a', ' ', 'a b', 'é', 'b=a'),
      (query, name, value) => {
        const values = new URLSearchParams(query).getAll(name);
        assert.equal(doesHold({ query: { [name]: { equals: value } } }, { query }), values.includes(value));
        assert.equal(doesHold({ query: { [name]: { present: true } } }, { query }), values.length > 0);
      },
    ),
    { numRuns: 2000 },
  );
});

test('a query of separators alone is read once', () => {
  const query = '&'.repeat(16_000) + 'x&'.repeat(16_000);
  assert.equal(doesHold({ query: { a: { present: true } } }, { query }), false);
});

test('a cookie condition reads every pair of every cookie line', () => {
  const cases: [lines: string[], equals: boolean, present: boolean][] = [
    [[], false, false],
    [['a=x y'], true, true],
    [['a=x%20y'], true, true],
    [['a="x y"'], true, true],
    [['b=1; a=x%20y'], true, true],
    [['b=1;a=x%20y ; c=2'], true, true],
    [['b=1', 'a=x%20y'], true, true],
    [['a=1; a=x%20y'], true, true],
    [['a=x+y'], false, true],
    [['a'], false, false],
    [['aa=x y; b=a=x y'], false, false],
    [['A=x y'], false, false],
    [['a;=x y'], false, false],
  ];
  for (const [lines, equals, present] of cases) {
    const fields = lines.flatMap((line) => ['cookie', line]);
    assert.equal(doesHold({ cookies: { a: { equals: 'x y' } } }, { fields }), equals, `${lines}`);
    assert.equal(doesHold({ cookies: { a: { present: true } } }, { fields }), present, `${lines}`);
    assert.equal(doesHold({ cookies: { a: { present: false } } }, { fields }), !present, `${lines}`);
  }
});

test('conditions and their failures read as sentences', () => {
  const cases: [match: MatchDefinition, condition: string, failure: string][] = [
    [{ methods: ['POST'] }, 'method is POST', 'method is GET, wants POST'],
    [{ methods: ['POST', 'PUT', 'PATCH'] }, 'method is POST, PUT or PATCH', 'method is GET, wants POST, PUT or PATCH'],
    [{ listeners: ['secure'] }, 'listener is secure', 'listener is web, wants secure'],
    [{ headers: { x: { equals: '1' } } }, "header 'x' is '1'", "header 'x' is absent, wants '1'"],
    [{ headers: { y: { equals: '1' } } }, "header 'y' is '1'", "header 'y' has another value, wants '1'"],
    [{ headers: { y: { present: false } } }, "header 'y' is absent", "header 'y' is present, wants absent"],
    [
      { query: { q: { regex: 'a+' } } },
      "query parameter 'q' is a match of a+",
      "query parameter 'q' is absent, wants a match of a+",
    ],
    [{ cookies: { c: { present: true } } }, "cookie 'c' is present", "cookie 'c' is absent, wants present"],
    [{ clientIps: ['::1'] }, 'client address is in ::1', 'client address is 10.0.0.1, wants one in ::1'],
  ];
  for (const [match, condition, failure] of cases) {
    const compiled = compileMatchConditions(match)[0]!;
    assert.equal(describeCondition(compiled), condition);
    assert.equal(describeFailure(compiled, { ...request, fields: ['y', '2'] }), failure);
  }
});
