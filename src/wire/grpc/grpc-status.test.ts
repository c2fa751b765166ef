import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { grpcStatusNames, parseGrpcStatus, toGrpcStatusCode, toHttpStatus } from './grpc-status.ts';

test('names and numbers are those of the library', () => {
  const named = grpcStatusNames.map((name) => [name.toUpperCase().replaceAll('-', '_'), toGrpcStatusCode(name)]);
  const known = Object.entries(status).filter(([, code]) => typeof code === 'number' && code > 0);
  assert.deepEqual(Object.fromEntries(named), Object.fromEntries(known));
});

test('numbers that gRPC knows are read, and nothing else is', () => {
  for (const [text, code] of [
    ['0', 0],
    ['00', 0],
    ['7', 7],
    ['14', 14],
    ['16', 16],
  ] as const)
    assert.equal(parseGrpcStatus(text), code);
  for (const text of ['', '17', '99', '-1', '1.0', '014', 'UNAVAILABLE', ' 1'])
    assert.equal(parseGrpcStatus(text), undefined, text);
});

test('each has a status of HTTP that says as much', () => {
  const said = Object.fromEntries(grpcStatusNames.map((name) => [name, toHttpStatus(toGrpcStatusCode(name))]));
  assert.deepEqual(
    Object.entries(said).filter(([, http]) => http >= 500),
    [
      ['unknown', 500],
      ['deadline-exceeded', 504],
      ['internal', 500],
      ['unavailable', 503],
      ['data-loss', 500],
    ],
  );
  assert.deepEqual([said['resource-exhausted'], said['not-found'], said['unimplemented']], [429, 404, 404]);
});
