/**
 * No secret of a configuration is seen anywhere: every example of access is run with secrets that are known here, asked in every
 * way, also with its own secrets, and nothing of what comes out holds one of them.
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { parse, stringify } from 'yaml';
import { systemClock } from '#base/clock.ts';
import { Secret } from '#base/secret.ts';
import { runCheck } from '#cli/check.ts';
import type { CommandIo } from '#cli/command-io.ts';
import { runExplain } from '#cli/explain.ts';
import type { GatewayInput } from '#config/define-gateway.ts';
import { loadConfigurationText } from '#config/load.ts';
import { loadPolicyConfigs } from '#config/policies/policy-blocks.ts';
import type { SocketAddress } from '#net/address.ts';
import { policyOrder } from '#policies/registry.ts';
import { Control } from '#runtime/control.ts';
import { toInputJsonSchema } from '#schema/json-schema.ts';
import { listOperations } from '#test/support/admin-bench.ts';
import { ask } from '#test/support/ask.ts';
import { listenFor } from '#test/support/listening-server.ts';

const examples = join(import.meta.dirname, '../../examples/access');
/** Those that hold a secret. */
const names = readdirSync(examples).filter(
  (file) => file.endsWith('.yaml') && /\$\{(?:env|file):/.test(readFileSync(join(examples, file), 'utf8')),
);
/** Every kind of secret is shown with these examples. */
const SECRET_EXAMPLE = '${file:/run/secrets/';
/** Variables that hold a secret by their name: of some only a hash is kept. */
const SECRET_NAME = /KEY|SECRET|PASSWORD|TOKEN/;
const ADMIN_TOKEN = 'admin-0123456789abcdef';

test('each policy that takes a secret has an example', async () => {
  const texts = names.map((name) => readFileSync(join(examples, name), 'utf8')).join('\n');
  for (const { name, config } of await loadPolicyConfigs(policyOrder)) {
    if (!JSON.stringify(toInputJsonSchema(config)).includes(SECRET_EXAMPLE)) continue;
    assert.match(texts, new RegExp(`\\b${name}:`), `${name} is in no example`);
  }
});

for (const name of names) {
  test(`no secret of examples/access/${name} is seen anywhere`, async (t) => {
    const seen: string[] = [];
    const place = await settle(t, name);
    const { secrets, env, folder, file } = place;
    const { configuration, issues } = await loadConfigurationText(readFileSync(file, 'utf8'), file, {
      policies: policyOrder,
      env,
    });
    seen.push(JSON.stringify(issues), JSON.stringify(configuration));
    addSecrets(configuration, secrets);
    assert.ok(secrets.size > 0);
    const logger = { log: (...event: unknown[]) => void seen.push(JSON.stringify(event)) };
    const load = () => loadConfigurationText(readFileSync(file, 'utf8'), file, { policies: policyOrder, env });
    const control = new Control({ clock: systemClock, logger, threads: 0, load, watches: false });
    t.after(() => control.stop());
    const started = await control.start();
    assert.ok(!('issues' in started), JSON.stringify(started));
    const port = portOf(started.listening[0]?.address);
    for (const path of listPaths(place.input)) {
      for (const headers of listHeaders(secrets)) {
        const answer = await ask(port, path, { headers });
        seen.push(JSON.stringify(answer));
      }
      const io: CommandIo = {
        stdout: (text) => void seen.push(text),
        stderr: (text) => void seen.push(text),
        env,
        cwd: folder,
        isTerminal: false,
      };
      assert.equal(await runExplain(['GET', path, '--json', '-c', file], io), 0);
      assert.equal(await runExplain(['GET', path, '-c', file], io), 0);
      assert.equal(await runCheck(['-c', file], io), 0);
    }
    seen.push(...(await askOperators(portOf(started.admin), place.input)));
    await control.stop();
    seen.push(readFileSync(join(folder, 'access.log'), 'utf8'));
    for (const secret of secrets)
      assert.equal(
        seen.find((text) => text.includes(secret)),
        undefined,
      );
  });
}

test('secrets that stand in a configuration themselves are not seen by operators', async (t) => {
  for (const name of names) {
    const { file, folder, env, input, secrets } = await settle(t, name);
    const options = { policies: policyOrder, env: {} };
    writeFileSync(file, stringify(withoutReferences(input, env)));
    const load = () => loadConfigurationText(readFileSync(file, 'utf8'), file, options);
    addSecrets((await load()).configuration, secrets);
    const control = new Control({ clock: systemClock, logger: { log() {} }, threads: 0, load, watches: false });
    t.after(() => control.stop());
    const started = await control.start();
    assert.ok(!('issues' in started), JSON.stringify(started));
    const seen = await askOperators(portOf(started.admin), input);
    await control.stop();
    assert.ok(
      seen.some((text) => text.includes('***')),
      `${name} shows where a secret is`,
    );
    assert.ok(readFileSync(file, 'utf8').includes([...secrets][0]!), folder);
    for (const secret of secrets)
      assert.equal(
        seen.find((text) => text.includes(secret)),
        undefined,
        name,
      );
  }
});

/** All that there is to read, with the token and without. */
async function askOperators(port: number, { routes = {}, services = {} }: GatewayInput): Promise<string[]> {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  const read = async (path: string) => JSON.parse((await ask(port, path, { headers })).body);
  const { hash } = (await read('/api/status')).configuration;
  const fill = (path: string) => {
    const [of] = Object.keys(path.startsWith('/api/routes') ? routes : services);
    return path
      .replace('{hash}', hash)
      .replace('{id}', 'x')
      .replace('{name}', encodeURIComponent(of ?? 'x'));
  };
  const operations = await listOperations({ read: async (_method, path) => read(path) });
  const paths = operations.filter(({ method, streams }) => method === 'GET' && !streams).map(({ path }) => fill(path));
  assert.ok(paths.includes(`/api/history/${hash}`));
  const seen: string[] = [];
  for (const path of [...paths, '/metrics', '/readyz', '/api/openapi.json']) {
    const answer = await ask(port, path, { headers });
    assert.ok(answer.status === 200 || answer.status === 404, `${path}: ${answer.status}`);
    seen.push(JSON.stringify(answer), JSON.stringify(await ask(port, path, { headers: { authorization: 'Bearer wrong' } })));
  }
  return seen;
}

/** What references stand for, in their places. */
function withoutReferences(value: unknown, env: Readonly<Record<string, string>>): unknown {
  if (typeof value === 'string')
    return value
      .replaceAll(/\$\{env:(\w+)\}/g, (_, name) => env[name] ?? '')
      .replaceAll(/\$\{file:([^}]*)\}/g, (_, path) => readFileSync(path, 'utf8').replace(/\n$/, ''));
  if (Array.isArray(value)) return value.map((item) => withoutReferences(item, env));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutReferences(item, env)]));
}

interface Place {
  readonly folder: string;
  readonly file: string;
  readonly env: Readonly<Record<string, string>>;
  readonly input: GatewayInput;
  /** Grows as more of them are found. */
  readonly secrets: Set<string>;
}

/** An example in a folder of its own, on free ports, with a service, and with an issuer that refuses everything. */
async function settle(t: TestContext, name: string): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-secrets-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const server = createServer((_request, response) => void response.writeHead(401).end('{"error":"invalid_client"}'));
  const url = `http://127.0.0.1:${await listenFor(t, server)}`;
  const written = readFileSync(join(examples, name), 'utf8')
    .replaceAll('${file:/run/secrets/', `\${file:${folder}/`)
    .replaceAll(/https:\/\/login\.example\.com/g, url);
  const secrets = new Set<string>();
  const env: Record<string, string> = {};
  for (const [, variable] of written.matchAll(/\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}/g)) {
    env[variable!] = toSecret(variable!);
    if (SECRET_NAME.test(variable!)) secrets.add(env[variable!]!);
  }
  for (const [, path] of written.matchAll(/\$\{file:([^}]*)\}/g)) writeFileSync(path!, toSecret(path!));
  const { listeners, services, ...rest } = parse(written) as GatewayInput;
  const withUrl = Object.entries(services ?? {}).map(([service, settings]) => [service, { ...settings, endpoints: [url] }]);
  // Certificates are not what this is about.
  const onFreePorts = Object.entries(listeners).map(([listener, { tls: _, ...settings }]) => [
    listener,
    { ...settings, address: '127.0.0.1:0' },
  ]);
  const input = {
    ...rest,
    listeners: Object.fromEntries(onFreePorts),
    services: Object.fromEntries(withUrl),
    admin: { address: '127.0.0.1:0', token: ADMIN_TOKEN },
    accessLog: { to: { file: join(folder, 'access.log') }, flushEvery: '10ms' },
  } as GatewayInput;
  const file = join(folder, 'gatehouse.yaml');
  writeFileSync(file, stringify(input));
  return { folder, file, env, input, secrets };
}

function portOf(address: SocketAddress | undefined): number {
  assert.ok(address !== undefined && 'port' in address);
  return address.port;
}

/** Nothing else looks like it. */
function toSecret(name: string): string {
  if (name.endsWith('.pem')) return String(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }));
  return Buffer.from(`secret of ${name}`).toString('hex').slice(-64).padStart(64, '0');
}

/** The secrets of a configuration, wherever they stand; of a key, what makes it one. */
function addSecrets(value: unknown, secrets: Set<string>): void {
  if (value instanceof Secret) secrets.add(/^-----BEGIN [A-Z ]+-----\n(.+)\n/.exec(value.reveal())?.[1] ?? value.reveal());
  else if (typeof value === 'object' && value !== null) for (const each of Object.values(value)) addSecrets(each, secrets);
}

function listPaths({ routes = {} }: GatewayInput): string[] {
  const matches = Object.values(routes).flatMap(({ match }) => (Array.isArray(match) ? match : [match]));
  const paths = matches.flatMap((match) => (typeof match === 'object' && typeof match.path === 'string' ? [match.path] : []));
  return [...new Set(paths.map((path) => path.replace(/\*$/, '7').replaceAll(/:[a-z]+/gi, '7')))];
}

/** Without anything, with what is forged, and with each secret at each place. */
function listHeaders(secrets: ReadonlySet<string>): Record<string, string>[] {
  const forged = { 'x-forwarded-for': '10.0.0.1', forwarded: 'for=10.0.0.1', 'x-gatehouse-token': 'forged', 'x-user': 'root' };
  const shown = [...secrets].flatMap((secret) => [
    { authorization: `Bearer ${secret}`, 'x-api-key': secret },
    { authorization: `Basic ${Buffer.from(`gatehouse:${secret}`).toString('base64')}`, cookie: `session=${secret}` },
    { authorization: `ApiKey ${secret}x`, 'x-api-key': `${secret}x` },
  ]);
  return [{}, forged, ...shown];
}
