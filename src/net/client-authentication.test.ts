import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '#base/secret.ts';
import { addClientProof } from './client-authentication.ts';

const client = { clientId: 'gate way', secret: new Secret('a:b%ä') };

test('shows id and secret in a field, encoded as in a form', () => {
  const form = new URLSearchParams({ token: 't' });
  const { authorization } = addClientProof(form, { ...client, way: 'basic' });
  const [scheme, encoded] = authorization!.split(' ');
  assert.equal(scheme, 'Basic');
  assert.equal(Buffer.from(encoded!, 'base64').toString(), 'gate+way:a%3Ab%25%C3%A4');
  assert.equal(form.toString(), 'token=t');
});

test('shows id and secret in the form, and nothing in a field', () => {
  const form = new URLSearchParams({ token: 't' });
  assert.deepEqual(addClientProof(form, { ...client, way: 'post' }), {});
  assert.equal(form.toString(), 'token=t&client_id=gate+way&client_secret=a%3Ab%25%C3%A4');
});
