import assert from 'node:assert/strict';
import { test } from 'node:test';
import { uniqueErrorCodes } from './error-codes.ts';

function messages(sources: Readonly<Record<string, string>>): string[] {
  return uniqueErrorCodes(Object.entries(sources).map(([path, text]) => ({ path, text }))).map(({ message }) => message);
}

test('finds an area that is declared twice', () => {
  const found = messages({
    'src/net/errors.ts': "export const netErrors = defineErrors('net', { refused: { side: 'upstream', status: 502 } });",
    'src/http/errors.ts':
      "export const httpErrors = defineErrors(\n  'net',\n  { reset: { side: 'upstream', status: 502 } },\n);",
  });
  assert.deepEqual(found, ["area 'net' is already declared at src/net/errors.ts:1"]);
});

test('finds two areas whose codes meet', () => {
  const found = messages({
    'src/net/errors.ts': "defineErrors('tls', { nameWrong: { status: 502 } });",
    'src/http/errors.ts': "defineErrors('tls-name', { wrong: { status: 502 } });",
  });
  assert.deepEqual(found, ['GH_TLS_NAME_WRONG is already declared at src/net/errors.ts:1']);
});

test('accepts the same field names inside different errors', () => {
  const found = messages({ 'src/net/errors.ts': "defineErrors('net', { refused: { side: 'a' }, reset: { side: 'b' } });" });
  assert.deepEqual(found, []);
});
