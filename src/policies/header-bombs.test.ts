/**
 * Requests whose fields are as long as the gateway takes them, and made to be looked through for long. What looks through them
 * takes time that grows with their length, and no more: the limit here is far above that, and far below its square.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '#base/limits.ts';
import { ConsumerDirectory } from '#pipeline/consumer-directory.ts';
import { createPolicyBench, plan } from '#test/support/policy-bench.ts';
import { createPolicyServices } from '#test/support/policy-services.ts';
import { policyDefinitions } from './registry.ts';

const ROUNDS = 20;
/** For all rounds together; looking at each byte once for each other one would be 80 thousand million steps. */
const PROCESSOR_MS_MAX = 5_000;
const length = limits.headBytesMax;

const bombs: Readonly<Record<string, string>> = {
  'separators alone': ';'.repeat(length),
  'separators and spaces': '; '.repeat(length / 2),
  'spaces alone': ' '.repeat(length),
  'the beginning of the name': 'sessio'.repeat(length / 6),
  'pairs with nearly the name': 'sessions=1;'.repeat(length / 11),
  'an endless value': `x=${'"'.repeat(length - 2)}`,
  'the key itself, as long as can be': `session=${'a'.repeat(length - 8)}`,
  'many pairs': 'a=b; '.repeat(length / 5),
};

const policies: readonly (readonly [name: string, config: unknown])[] = [
  ['api-key', { cookie: 'session' }],
  ['rate-limit', { limit: '1000/second', by: 'cookie.session' }],
  ['concurrency', { limit: 10, by: ['cookie.session', 'header.cookie'] }],
  ['quota', { limit: '1000/day', by: 'cookie.session' }],
  ['request-size', { head: '1KiB' }],
];

for (const [name, config] of policies) {
  for (const [what, cookie] of Object.entries(bombs)) {
    test(`${name} is not kept busy by cookies of ${what}`, async () => {
      const services = createPolicyServices({ consumers: new ConsumerDirectory({}) });
      const definition = policyDefinitions.find((policy) => policy.name === name)!;
      const bench = createPolicyBench({ policies: [await plan(definition, config, services)] });
      const before = process.cpuUsage();
      for (let i = 0; i < ROUNDS; i++) await bench.send({ fields: ['cookie', cookie] });
      const { user, system } = process.cpuUsage(before);
      assert.ok((user + system) / 1_000 < PROCESSOR_MS_MAX, `${(user + system) / 1_000} ms`);
    });
  }
}
