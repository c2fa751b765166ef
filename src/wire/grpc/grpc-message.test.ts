import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeGrpcMessage, isGrpcType, parseGrpcTimeout, toGrpcStatus } from './grpc-message.ts';

test('tells gRPC by its content type, and gRPC-Web and others apart', () => {
  for (const type of ['application/grpc', 'application/grpc+proto', 'APPLICATION/GRPC+json', 'application/grpc;x=y'])
    assert.equal(isGrpcType(type), true, type);
  for (const type of ['', 'application/grpc-web', 'application/grpcx', 'application/json', 'text/application/grpc'])
    assert.equal(isGrpcType(type), false, type);
});

test('reads timeouts in all units, and nothing that is none', () => {
  assert.deepEqual(
    ['1H', '2M', '3S', '40m', '5000u', '1000000n', '99999999S'].map(parseGrpcTimeout),
    [3_600_000, 120_000, 3_000, 40, 5, 1, 99_999_999_000],
  );
  for (const text of ['', '1', 'S', '-1S', '1.5S', '123456789S', '1s', '1S ', '１S'])
    assert.equal(parseGrpcTimeout(text), undefined, text);
});

test('encodes messages so that any text can stand in a field', () => {
  assert.equal(encodeGrpcMessage('plain text: ok'), 'plain text: ok');
  assert.equal(encodeGrpcMessage('100 %\n\u00e9'), '100 %25%0A%C3%A9');
});

test('every status of HTTP has one of gRPC', () => {
  assert.deepEqual(
    [400, 401, 403, 404, 429, 499, 500, 502, 503, 504, 418].map(toGrpcStatus),
    [13, 16, 7, 12, 14, 1, 13, 14, 14, 14, 2],
  );
});
