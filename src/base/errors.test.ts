import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineErrors, GatewayError, toErrorCode } from './errors.ts';

const exampleErrors = defineErrors('example-area', {
  connectionRefused: {
    side: 'upstream',
    stage: 'connect',
    status: 502,
    retry: 'always',
    help: 'The service refused the connection.',
  },
  brokenAssumption: { side: 'gateway', stage: 'reply', status: 500, retry: 'never', help: 'The gateway made a mistake.' },
  tooMany: { side: 'client', stage: 'policy', status: 429, retry: 'never', help: 'Too many requests.' },
});

test('codes follow from the area and the key', () => {
  const cases: [area: string, name: string, code: string][] = [
    ['upstream', 'connectionRefused', 'GH_UPSTREAM_CONNECTION_REFUSED'],
    ['request-size', 'bodyTooLarge', 'GH_REQUEST_SIZE_BODY_TOO_LARGE'],
    ['http', 'fault', 'GH_HTTP_FAULT'],
  ];
  for (const [area, name, code] of cases) assert.equal(toErrorCode(area, name), code);
  assert.equal(exampleErrors.connectionRefused.kind.code, 'GH_EXAMPLE_AREA_CONNECTION_REFUSED');
});

test('an error carries its kind, its facts and its cause', () => {
  const cause = new RangeError('inner');
  const error = exampleErrors.connectionRefused({ port: 81 }, { publicDetail: 'try later', cause });
  assert.ok(error instanceof GatewayError && error instanceof Error);
  assert.equal(error.code, 'GH_EXAMPLE_AREA_CONNECTION_REFUSED');
  assert.equal(error.status, 502);
  assert.equal(error.message, 'The service refused the connection.');
  assert.equal(error.kind, exampleErrors.connectionRefused.kind);
  assert.deepEqual(
    { detail: error.detail, publicDetail: error.publicDetail },
    { detail: { port: 81 }, publicDetail: 'try later' },
  );
  assert.equal(error.cause, cause);
  assert.equal('cause' in exampleErrors.tooMany(), false);
});

test('an error with more facts is the same otherwise', () => {
  const cause = new RangeError('inner');
  const error = exampleErrors.connectionRefused({ port: 81 }, { publicDetail: 'try later', cause }).withDetail({ host: 'a' });
  assert.equal(error.kind, exampleErrors.connectionRefused.kind);
  assert.deepEqual(error.detail, { port: 81, host: 'a' });
  assert.equal(error.publicDetail, 'try later');
  assert.equal(error.cause, cause);
  assert.equal('cause' in exampleErrors.tooMany().withDetail({}), false);
});

test('only an error of the gateway itself captures a stack, and the limit is as before', () => {
  const framesBefore = Error.stackTraceLimit;
  const hasFrames = (error: GatewayError) => /\n\s+at /.test(error.stack ?? '');
  assert.equal(hasFrames(exampleErrors.tooMany()), false);
  assert.equal(hasFrames(exampleErrors.connectionRefused()), false);
  assert.equal(hasFrames(exampleErrors.brokenAssumption()), true);
  assert.equal(Error.stackTraceLimit, framesBefore);
});

test('the declared kind cannot be changed by whoever holds it', () => {
  assert.throws(() => Object.assign(exampleErrors.tooMany.kind, { status: 200 }), TypeError);
});
