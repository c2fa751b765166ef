import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ParameterPlace, ParameterRule, ParameterStyle, TextShape } from './contract.ts';
import {
  type ParameterReading,
  readCookieParameter,
  readHeaderParameter,
  readPathParameter,
  readQueryParameter,
  readWholePlace,
} from './parameter-value.ts';
import { readQueryParts } from './query-parts.ts';

const text: TextShape = { types: ['string'] };
const integer: TextShape = { types: ['integer'] };
const list: TextShape = { types: ['array'], items: text };
const numbers: TextShape = { types: ['array'], items: integer };
const color: TextShape = { types: ['object'], properties: { R: integer, G: integer, B: integer } };

const rgb = { R: 100, G: 200, B: 150 };
const colors = ['blue', 'black', 'brown'];

interface Settings extends Partial<ParameterRule> {
  readonly in: ParameterPlace;
  readonly style: ParameterStyle;
  readonly explode: boolean;
  readonly shape: TextShape;
}

function read(settings: Settings, written: string): ParameterReading {
  const rule: ParameterRule = {
    name: 'color',
    isRequired: false,
    allowsEmpty: false,
    content: undefined,
    use: undefined,
    ...settings,
  };
  switch (rule.in) {
    case 'path':
      return readPathParameter(rule, written);
    case 'query':
      return readQueryParameter(rule, readQueryParts(written));
    case 'header':
      return readHeaderParameter(rule, written);
    case 'cookie':
      return readCookieParameter(
        rule,
        written.split('; ').map((pair) => ({ key: pair.split('=')[0]!, text: pair.split('=')[1]!, isTaken: false })),
      );
    default:
      return rule.in satisfies never;
  }
}

/** The table of OpenAPI 3.1 §4.8.12.4, with names and values that it writes. */
const styles: readonly [ParameterPlace, ParameterStyle, boolean, TextShape, written: string, value: unknown][] = [
  ['path', 'matrix', false, text, ';color=blue', 'blue'],
  ['path', 'matrix', false, text, ';color', ''],
  ['path', 'matrix', false, list, ';color=blue,black,brown', colors],
  ['path', 'matrix', false, color, ';color=R,100,G,200,B,150', rgb],
  ['path', 'matrix', true, list, ';color=blue;color=black;color=brown', colors],
  ['path', 'matrix', true, color, ';R=100;G=200;B=150', rgb],
  ['path', 'label', false, text, '.blue', 'blue'],
  ['path', 'label', false, text, '.', ''],
  ['path', 'label', false, list, '.blue,black,brown', colors],
  ['path', 'label', false, color, '.R,100,G,200,B,150', rgb],
  ['path', 'label', true, list, '.blue.black.brown', colors],
  ['path', 'label', true, color, '.R=100.G=200.B=150', rgb],
  ['path', 'simple', false, text, 'blue', 'blue'],
  ['path', 'simple', false, list, 'blue,black,brown', colors],
  ['path', 'simple', false, color, 'R,100,G,200,B,150', rgb],
  ['path', 'simple', true, list, 'blue,black,brown', colors],
  ['path', 'simple', true, color, 'R=100,G=200,B=150', rgb],
  ['header', 'simple', false, text, 'blue', 'blue'],
  ['header', 'simple', false, list, 'blue,black,brown', colors],
  ['header', 'simple', false, color, 'R,100,G,200,B,150', rgb],
  ['header', 'simple', true, color, 'R=100,G=200,B=150', rgb],
  ['query', 'form', true, text, 'color=blue', 'blue'],
  ['query', 'form', true, text, 'color=', ''],
  ['query', 'form', true, text, 'color', ''],
  ['query', 'form', true, list, 'color=blue&color=black&color=brown', colors],
  ['query', 'form', true, color, 'R=100&G=200&B=150', rgb],
  ['query', 'form', false, list, 'color=blue,black,brown', colors],
  ['query', 'form', false, color, 'color=R,100,G,200,B,150', rgb],
  ['query', 'spaceDelimited', false, list, 'color=blue%20black%20brown', colors],
  ['query', 'spaceDelimited', false, list, 'color=blue+black+brown', colors],
  ['query', 'spaceDelimited', false, color, 'color=R%20100%20G%20200%20B%20150', rgb],
  ['query', 'spaceDelimited', true, list, 'color=blue&color=black&color=brown', colors],
  ['query', 'pipeDelimited', false, list, 'color=blue%7Cblack|brown', colors],
  ['query', 'pipeDelimited', false, color, 'color=R%7C100%7CG%7C200%7CB%7C150', rgb],
  ['query', 'deepObject', true, color, 'color%5BR%5D=100&color[G]=200&color%5BB%5D=150', rgb],
  ['cookie', 'form', true, text, 'other=1; color=blue', 'blue'],
  ['cookie', 'form', false, list, 'color=blue,black,brown', colors],
  ['cookie', 'form', false, color, 'color=R,100,G,200,B,150', rgb],
];

describe('a parameter is read in its style', () => {
  for (const [place, style, explode, shape, written, value] of styles) {
    test(`${place} ${style}${explode ? ' exploded' : ''}: ${written}`, () => {
      assert.deepEqual(read({ in: place, style, explode, shape }, written), { value });
    });
  }
});

const inQuery = { in: 'query', style: 'form', explode: true } as const;

describe('texts become the values that the schema speaks of', () => {
  const cases: readonly [TextShape, string, unknown][] = [
    [integer, '5', 5],
    [integer, '-0', -0],
    [integer, '1e2', 100],
    [integer, '05', '05'],
    [integer, '+5', ' 5'],
    [integer, '0x5', '0x5'],
    [integer, '', ''],
    [{ types: ['number'] }, '0.5', 0.5],
    [{ types: ['number'] }, 'NaN', 'NaN'],
    [{ types: ['boolean'] }, 'true', true],
    [{ types: ['boolean'] }, 'TRUE', 'TRUE'],
    [{ types: ['integer', 'null'] }, '', null],
    [{ types: ['integer', 'string'] }, '5', 5],
    [{ types: ['integer', 'string'] }, 'five', 'five'],
    [text, '5', '5'],
    [{ types: [] }, '5', '5'],
  ];
  for (const [shape, written, value] of cases) {
    test(`${shape.types.join(' or ')}: ${JSON.stringify(written)}`, () => {
      assert.deepEqual(read({ ...inQuery, shape }, `color=${written}`), { value });
    });
  }

  test('items and properties have types of their own', () => {
    assert.deepEqual(read({ ...inQuery, shape: numbers }, 'color=1&color=x'), { value: [1, 'x'] });
  });
});

describe('what delimits is looked for before anything is decoded', () => {
  const cases: readonly [Settings, string, unknown][] = [
    [{ ...inQuery, explode: false, shape: list }, 'color=a%2Cb,c', ['a,b', 'c']],
    [{ ...inQuery, shape: text }, 'color=a%26b%3Dc', 'a&b=c'],
    [{ in: 'path', style: 'simple', explode: false, shape: list }, 'a%2Cb,c+d', ['a,b', 'c+d']],
    [{ in: 'path', style: 'label', explode: true, shape: list }, '.a%2Eb.c', ['a.b', 'c']],
    [{ in: 'header', style: 'simple', explode: false, shape: text }, '50%25', '50%25'],
    [{ ...inQuery, shape: text }, 'color=a+b%2B', 'a b+'],
  ];
  for (const [settings, written, value] of cases) {
    test(written, () => assert.deepEqual(read(settings, written), { value }));
  }
});

describe('a parameter that cannot be read is a fault', () => {
  const cases: readonly [string, Settings, string, string][] = [
    ['missing', { ...inQuery, shape: text, isRequired: true }, 'other=1', 'required'],
    ['given twice', { ...inQuery, shape: text }, 'color=1&color=2', 'duplicate'],
    ['a list given twice in one text', { ...inQuery, explode: false, shape: list }, 'color=1&color=2', 'duplicate'],
    ['no UTF-8', { ...inQuery, shape: text }, 'color=%ff', 'encoding'],
    ['a percent sign alone', { ...inQuery, shape: list }, 'color=a&color=5%', 'encoding'],
    ['an object with a name twice', { ...inQuery, explode: false, shape: color }, 'color=R,1,R,2', 'duplicate'],
    ['an object with a name without a value', { ...inQuery, explode: false, shape: color }, 'color=R,1,G', 'style'],
    ['a property twice', { ...inQuery, shape: color }, 'R=1&R=2', 'duplicate'],
    ['a label without its dot', { in: 'path', style: 'label', explode: false, shape: text }, 'blue', 'style'],
    ['a matrix of another name', { in: 'path', style: 'matrix', explode: false, shape: text }, ';colour=blue', 'style'],
    ['a deep property twice', { ...inQuery, style: 'deepObject', shape: color }, 'color[R]=1&color[R]=2', 'duplicate'],
    ['a deep object in itself', { ...inQuery, style: 'deepObject', shape: color }, 'color[R]=1&color[R][x]=2', 'duplicate'],
    ['too many brackets', { ...inQuery, style: 'deepObject', shape: color }, 'color[a][b][c][d][e]=1', 'style'],
    ['no JSON', { ...inQuery, content: 'json', shape: color }, 'color={', 'syntax'],
    ['JSON with a key twice', { ...inQuery, content: 'json', shape: color }, 'color={"R":1,"R":2}', 'syntax'],
  ];
  for (const [name, settings, written, keyword] of cases) {
    test(name, () => {
      const reading = read(settings, written);
      assert.ok(reading !== undefined && 'fault' in reading);
      assert.equal(reading.fault.keyword, keyword);
    });
  }
});

test('what is not there and need not be is nothing', () => {
  assert.equal(read({ ...inQuery, shape: text }, 'colour=1'), undefined);
  assert.equal(read({ ...inQuery, shape: color }, ''), undefined);
  assert.equal(read({ ...inQuery, style: 'deepObject', shape: color }, 'color=1'), undefined);
  assert.equal(read({ ...inQuery, shape: integer, allowsEmpty: true }, 'color='), undefined);
});

test('content is read as what it says it is', () => {
  assert.deepEqual(read({ ...inQuery, content: 'json', shape: color }, 'color=%7B%22R%22%3A1%7D'), { value: { R: 1 } });
  assert.deepEqual(read({ ...inQuery, content: 'text', shape: integer }, 'color=5'), { value: '5' });
});

test('a deep object holds lists and further objects', () => {
  const shape: TextShape = {
    types: ['object'],
    properties: { tag: list, size: { types: ['object'], properties: { w: integer } } },
  };
  const written = 'color[tag]=a&color[tag]=b&color[size][w]=5&color[__proto__][x]=1';
  const reading = read({ ...inQuery, style: 'deepObject', shape }, written);
  assert.ok(reading !== undefined && 'value' in reading);
  const value = reading.value as Record<string, unknown>;
  assert.deepEqual([value['tag'], value['size'], Object.hasOwn(value, '__proto__')], [['a', 'b'], { w: 5 }, true]);
  assert.equal(({} as Record<string, unknown>)['x'], undefined);
});

test('an object without names of its own takes what nobody else has taken', () => {
  const parts = readQueryParts('page=1&a=2&b=x&b=y');
  parts[0]!.isTaken = true;
  const shape: TextShape = { types: ['object'], rest: integer };
  const rule = { ...inQuery, name: 'filter', isRequired: false, allowsEmpty: false, content: undefined, use: undefined, shape };
  assert.deepEqual(readQueryParameter(rule, parts), { value: { a: 2, b: ['x', 'y'] } });
});

test('a whole place is an object, empty where nothing is there', () => {
  const shape: TextShape = { types: ['object'], properties: { page: integer } };
  assert.deepEqual(readWholePlace('query', shape, readQueryParts('page=2&q=a')), { value: { page: 2, q: 'a' } });
  assert.deepEqual(readWholePlace('query', shape, []), { value: {} });
});
