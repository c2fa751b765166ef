// Timeouts that contradict each other are warned of, and refuse nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIssue } from './issue.ts';
import { loadConfigurationText } from './load.ts';

async function warningsOf(service: string, route = ''): Promise<string[]> {
  const text = `version: 1
listeners: { web: { address: ":8080" } }
services: { orders: { endpoints: [http://orders:3000], ${service} } }
routes: { all: { match: {}, to: orders, ${route} } }
`;
  const { configuration, issues } = await loadConfigurationText(text, '/f.yaml', { policies: [], env: {}, shownAs: 'F' });
  assert.ok(configuration !== undefined, issues.map(formatIssue).join('\n'));
  return issues.map(formatIssue);
}

const contradictions: { name: string; service: string; route?: string; warnings: RegExp[] }[] = [
  {
    name: 'an attempt longer than its request',
    service: 'timeouts: { attempt: 3s, request: 2s }',
    warnings: [
      /^F:3:\d+ warning: services\.orders\.timeouts\.attempt: `3s` cannot pass, because `services\.orders\.timeouts\.request` is shorter: `2s`$/,
    ],
  },
  {
    name: 'a connection longer than its attempt',
    service: 'timeouts: { connect: 3s, attempt: 2s }',
    warnings: [/timeouts\.connect: `3s` cannot pass, because `services\.orders\.timeouts\.attempt`/],
  },
  {
    name: 'a first byte longer than the attempt and the request',
    service: 'timeouts: { firstByte: 9s, attempt: 2s, request: 5s }',
    warnings: [/firstByte: .*timeouts\.request/, /firstByte: .*timeouts\.attempt/],
  },
  {
    name: 'a second attempt that would start when the first one is over',
    service: 'timeouts: { attempt: 200ms }, hedge: { after: 1s }',
    warnings: [/hedge\.after: `1s` cannot pass/],
  },
  {
    name: 'an attempt of the route longer than a request of the service',
    service: 'timeouts: { request: 1s }',
    route: 'timeouts: { attempt: 3s }',
    warnings: [/routes\.all\.timeouts\.attempt: `3s` cannot pass, because `services\.orders\.timeouts\.request`/],
  },
];

for (const { name, service, route, warnings } of contradictions) {
  test(`warns of ${name}`, async () => {
    const found = await warningsOf(service, route);
    assert.equal(found.length, warnings.length, found.join('\n'));
    for (const [index, pattern] of warnings.entries()) assert.match(found[index]!, pattern);
  });
}

const harmonies: { name: string; service: string; route?: string }[] = [
  { name: 'times that are equal', service: 'timeouts: { connect: 1s, firstByte: 1s, attempt: 1s, request: 1s }' },
  { name: 'a default that is cut short', service: 'timeouts: { attempt: 1s, request: 2s }' },
  {
    name: 'a time of the service that the route replaces',
    service: 'timeouts: { attempt: 3s }',
    route: 'timeouts: { request: 2s, attempt: 1s }',
  },
  {
    name: 'a time of the service that the route cuts short',
    service: 'timeouts: { attempt: 3s }',
    route: 'timeouts: { request: 1s }',
  },
  { name: 'a percentile', service: 'timeouts: { attempt: 20ms }, hedge: { after: p95 }' },
];

for (const { name, service, route } of harmonies) {
  test(`does not warn of ${name}`, async () => {
    assert.deepEqual(await warningsOf(service, route), []);
  });
}

test('warns of a time that is longer than one of a service among several', async () => {
  const warnings = await warningsOf(
    'timeouts: { request: 1s } }, other: { endpoints: [http://other]',
    'timeouts: { attempt: 3s } }, split: { match: { path: /a }, timeouts: { attempt: 4s }, to: { services: [{ service: other }, { service: orders }], sticky: { by: ip } }',
  );
  assert.equal(warnings.length, 2, warnings.join());
  assert.match(warnings[1]!, /routes\.split\.timeouts\.attempt: `4s` cannot pass, because `services\.orders\.timeouts\.request`/);
});
