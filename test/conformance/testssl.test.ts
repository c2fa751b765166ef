/**
 * What testssl.sh has to say of a listener, by policy: protocols, ciphers, forward secrecy, server defaults, vulnerabilities.
 * Whatever it grades worse than fine is a failure, unless it is said of the test's own certificate. The version in Debian gives
 * no grade as a whole.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { makeFolder } from '#test/support/gatehouse-process.ts';
import { TestAuthority } from '#test/support/issuing-authority.ts';
import { needs, run } from '#test/support/programs.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';

interface Finding {
  readonly id: string;
  readonly severity: 'DEBUG' | 'INFO' | 'OK' | 'LOW' | 'MEDIUM' | 'HIGH' | 'CRITICAL' | 'WARN' | 'FATAL';
  readonly finding: string;
}

const SECTIONS = ['--protocols', '--std', '--pfs', '--server-defaults', '--vulnerable'];
const TIMEOUT_MS = 200_000;

/** What is no fault of the listener. */
const exceptions: Readonly<Record<string, string>> = {
  cert_chain_of_trust: 'the authority is one of this test, which no program knows',
  cert_expirationStatus: 'certificates of tests live for days',
  cert_notAfter: 'certificates of tests live for days',
  cert_revocation: 'the authority of this test publishes no list of what it has revoked',
  DNS_CAArecord: 'localhost has no records in the DNS',
  engine_problem: 'the OpenSSL of testssl.sh itself lacks an engine for GOST on some machines',
  scanTime: 'how long it took',
};

/**
 * testssl.sh could not find out: its client ends as soon as the handshake is over, and on a busy machine that is before a
 * ticket of TLS 1.3 has come. That sessions are resumed is tested in test/runtime/tls-sessions.test.ts.
 */
const inconclusive = { id: 'sessionresumption_ticket', finding: 'check failed because of connect problem' };

const policies = {
  modern: { TLS1: 'not offered', TLS1_1: 'not offered', TLS1_2: 'not offered', TLS1_3: 'offered with final' },
  intermediate: { TLS1: 'not offered', TLS1_1: 'not offered', TLS1_2: 'offered', TLS1_3: 'offered with final' },
} as const;

for (const [policy, protocols] of Object.entries(policies)) {
  test(`testssl.sh finds nothing wrong with the policy ${policy}`, needs('testssl'), async (t) => {
    const findings = await examine(t, policy);
    const findingOf = (id: string) => findings.find((one) => one.id === id)?.finding;
    for (const [protocol, expected] of Object.entries(protocols)) assert.equal(findingOf(protocol), expected, protocol);
    assert.equal(findingOf('ALPN'), 'http/1.1');
    // All of the sections have been looked at, to the last vulnerability.
    assert.ok(findings.some(({ id }) => id === 'RC4'));
    const bad = findings.filter(
      ({ id, severity, finding }) =>
        !['OK', 'INFO'].includes(severity) &&
        !(id in exceptions) &&
        !(id === inconclusive.id && finding === inconclusive.finding),
    );
    assert.deepEqual(bad, []);
  });
}

async function examine(t: TestContext, policy: string): Promise<readonly Finding[]> {
  const folder = await makeFolder(t);
  const authority = await TestAuthority.create(folder);
  const gateway = await startTestGateway({
    listeners: {
      web: {
        address: '127.0.0.1:0',
        tls: { policy: policy as 'modern', certificates: [await authority.issueFiles('own', ['localhost'])] },
      },
    },
    routes: { all: { match: { path: '/*' }, to: { respond: { status: 200, text: 'hello' } } } },
  });
  t.after(() => gateway.stop());
  const results = join(folder, 'testssl.json');
  const output = ['--quiet', '--color', '0', '--warnings', 'off', '--jsonfile', results];
  const target = ['--ip', '127.0.0.1', `localhost:${gateway.port()}`];
  const { stdout, stderr } = await run('testssl', [...output, ...SECTIONS, ...target], { timeoutMs: TIMEOUT_MS });
  try {
    return JSON.parse(await readFile(results, 'utf8')) as Finding[];
  } catch (error) {
    assert.fail(`${String(error)}\n${stdout.toString()}\n${stderr}`);
  }
}
