import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SecretNames } from './secret-names.ts';

const names = new SecretNames({ fields: ['x-door'], parameters: ['ssn'] });

test('members of bodies are secret by their names, within others too, and however these are joined', () => {
  const secret = [
    ...['password', 'user[password]', 'password[]', 'user[passwords][0][password]', 'pass.wd', 'clientSecret', 'new-token'],
    ...['card[number]', 'payment[card][number]', 'card.number', 'card_number', 'cardNumber', 'card[cvc]', 'cvv'],
    ...[
      'api[key]',
      'api.key',
      'access[key]',
      'private.key',
      'session.id',
      'session[id]',
      'authorization',
      'ssn',
      'user[ssn]',
      'SSN',
    ],
  ];
  for (const name of secret) assert.ok(names.isMember(name) && names.isParameter(name), name);
  for (const name of ['key', 'code', 'pin', 'name', 'user[name]', 'number', 'order.number', 'x-door', 'sessions'])
    assert.ok(!names.isMember(name), name);
});

test('parameters of a query have shorter names', () => {
  for (const name of ['key', 'sig', 'sid', 'code', 'code_verifier', 'user[pin]', 'otp[]'])
    assert.ok(names.isParameter(name), name);
  for (const name of ['keyword', 'page', 'sort.key', 'design', 'user[id]']) assert.ok(!names.isParameter(name), name);
});

test('fields are secret by their names, and by those of a configuration', () => {
  for (const name of ['authorization', 'cookie', 'set-cookie', 'x-api-key', 'x-auth-user', 'my-token', 'X-Door'])
    assert.ok(names.isField(name), name);
  for (const name of ['accept', 'x-request-id', 'etag', 'ssn']) assert.ok(!names.isField(name), name);
});

test('a query in which a parameter is secret has a part that says so', () => {
  const suspicious = new RegExp(names.parameterParts.join('|'), 'i');
  for (const query of ['card[number]=1', 'card.number=1', 'api[key]=1', 'pass.wd=1', 'user[ssn]=1', 'c%61rd=1'])
    assert.match(query, suspicious);
});
