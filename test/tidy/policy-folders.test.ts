import assert from 'node:assert/strict';
import { test } from 'node:test';
import { completePolicies, registeredPolicies } from './policy-folders.ts';

const requestSize = ['config.ts', 'errors.ts', 'policy.ts', 'policy.test.ts', 'config.test.ts', 'policy.md'].map((name) => ({
  path: `src/policies/request-size/${name}`,
  text: '',
}));

function withRegistry(text: string) {
  return [...requestSize, { path: 'src/policies/registry.ts', text }];
}

test('finds a policy without its page', () => {
  const findings = completePolicies(requestSize.filter(({ path }) => !path.endsWith('.md')));
  assert.deepEqual(
    findings.map(({ path, message }) => `${path}: ${message}`),
    ['src/policies/request-size: policy.md is missing'],
  );
});

test('finds a policy that is not registered', () => {
  assert.match(registeredPolicies(withRegistry('export const policyOrder = [];'))[0]!.message, /request-size is not registered/);
});

test('finds a policy that is imported but not in the list', () => {
  const registry =
    "import { requestSizePolicy } from './request-size/policy.ts';\nexport const policyOrder = [/* requestSizePolicy */];";
  assert.match(registeredPolicies(withRegistry(registry))[0]!.message, /requestSizePolicy stands 0 times/);
});

test('finds a policy that is registered twice', () => {
  const registry =
    "import { requestSizePolicy } from './request-size/policy.ts';\nexport const policyOrder = [requestSizePolicy, requestSizePolicy];";
  assert.match(registeredPolicies(withRegistry(registry))[0]!.message, /stands 2 times/);
});

test('accepts a policy that is also handed to another one', () => {
  const text =
    "import { requestSizePolicy } from './request-size/policy.ts';\nconst any = join([requestSizePolicy]);\nexport const policyOrder = [requestSizePolicy];";
  assert.deepEqual(registeredPolicies(withRegistry(text)), []);
});

test('accepts a complete policy that is registered once', () => {
  const files = withRegistry(
    "import { requestSizePolicy } from './request-size/policy.ts';\nexport const policyOrder = [requestSizePolicy];",
  );
  assert.deepEqual([...completePolicies(files), ...registeredPolicies(files)], []);
});
