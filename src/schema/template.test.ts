import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseJsonTemplate, parseTemplate, type TemplateVariable } from './template.ts';

const accepted: Readonly<Record<string, (string | TemplateVariable)[]>> = {
  '': [],
  'plain $5 {x}': ['plain $5 {x}'],
  '/v2/${path.id}?from=${host}': ['/v2/', { kind: 'capture', name: 'id' }, '?from=', { kind: 'host' }],
  '${path}${query}': [{ kind: 'path' }, { kind: 'query' }],
  '${path.*}': [{ kind: 'rest' }],
  '${query.a-b}': [{ kind: 'parameter', name: 'a-b' }],
  '${header.X-Tenant}': [{ kind: 'field', name: 'x-tenant' }],
  'a $${path.id} ${method}': ['a ${path.id} ', { kind: 'method' }],
  '${env:HOME}': ['${env:HOME}'],
};

const known =
  'known are `${path}`, `${query}`, `${host}`, `${authority}`, `${scheme}`, `${method}`, `${clientIp}`, `${requestId}`, `${consumer}`, `${path.NAME}`, `${path.*}`, `${query.NAME}`, `${header.NAME}`, `${cookie.NAME}`, `${claim.NAME}`';

const refused = {
  '${hots}': '"${hots}": unknown variable `${hots}`; did you mean `${host}`?',
  '${nonsense}': `"\${nonsense}": unknown variable \`\${nonsense}\`; ${known}`,
  '${}': `"\${}": unknown variable \`\${}\`; ${known}`,
  '${path.a-b}': '"${path.a-b}": "a-b" is not the name of a capture',
  '${header.a b}': '"${header.a b}": "a b" is not a field name; write letters, digits and hyphens, such as `x-team`',
  'x ${path': '"x ${path": `${` has no closing `}`; write `$${` for the characters themselves',
};

for (const [source, parts] of Object.entries(accepted)) {
  test(`reads the template ${JSON.stringify(source)}`, () =>
    assert.deepEqual(parseTemplate(source), { value: { source, parts } }));
}

for (const [text, problem] of Object.entries(refused)) {
  test(`refuses the template ${text}`, () => assert.deepEqual(parseTemplate(text), { problem }));
}

test('makes one template of a JSON document', () => {
  const reading = parseJsonTemplate({ 'a"': ['x"${path.id}', 1, null, true], b: {}, c: '' });
  assert.ok('value' in reading);
  assert.deepEqual(reading.value.parts, ['{"a\\"":["x\\"', { kind: 'capture', name: 'id' }, '",1,null,true],"b":{},"c":""}']);
});

test('says what has no form in JSON', () => {
  assert.deepEqual(parseJsonTemplate({ a: [Number.NaN] }), { problem: 'the number NaN has no form in JSON' });
  assert.deepEqual(parseJsonTemplate({ a: () => 1 }), { problem: 'a function has no form in JSON' });
});

test('refuses a wrong variable anywhere inside JSON', () => {
  assert.deepEqual(parseJsonTemplate({ a: [{ b: '${pth}' }] }), {
    problem: '"${pth}": unknown variable `${pth}`; did you mean `${path}`?',
  });
});
