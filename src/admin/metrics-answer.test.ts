import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acceptsGzip, chooseFormat } from './metrics-answer.ts';

const prometheus2 =
  'application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2';
const prometheus3 =
  'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2';

const formats: readonly (readonly [accept: string | undefined, format: string])[] = [
  [undefined, 'prometheus'],
  ['', 'prometheus'],
  ['*/*', 'prometheus'],
  ['text/plain', 'prometheus'],
  ['application/json', 'prometheus'],
  [prometheus2, 'openmetrics'],
  [prometheus3, 'openmetrics'],
  ['Application/OpenMetrics-Text; Version="1.0.0"', 'openmetrics'],
  ['application/openmetrics-text', 'openmetrics'],
  ['application/openmetrics-text; version=0.0.1', 'prometheus'],
  ['application/openmetrics-text; q=0', 'prometheus'],
  ['application/openmetrics-text; q=none', 'prometheus'],
  ['text/plain;version=0.0.4;q=0.9, application/openmetrics-text;version=1.0.0;q=0.2', 'prometheus'],
  ['application/openmetrics-text;;;,,;=', 'openmetrics'],
];

for (const [accept, format] of formats)
  test(`\`${accept}\` gets the form of ${format}`, () => assert.equal(chooseFormat(accept), format));

const codings: readonly (readonly [acceptEncoding: string | undefined, isAccepted: boolean])[] = [
  [undefined, false],
  ['', false],
  ['identity', false],
  ['gzip', true],
  ['deflate, GZIP;q=0.1', true],
  ['gzip;q=0', false],
  ['gzip;q=0, *', false],
  ['*', true],
  ['*;q=0', false],
];

for (const [acceptEncoding, isAccepted] of codings)
  test(`\`${acceptEncoding}\` ${isAccepted ? 'takes' : 'does not take'} gzip`, () =>
    assert.equal(acceptsGzip(acceptEncoding), isAccepted));
