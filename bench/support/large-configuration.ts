/**
 * A large configuration as a company might have it, before and after a few dozen changes: many services, hosts, captures,
 * methods, conditions, policies and timeouts, written in blocks and in brackets.
 */

const SERVICES = 200;
const HOSTS = 50;
const METHODS = ['GET', 'POST', 'PUT', 'DELETE'];
/** One route of so many is different, and of so many others one is gone. */
const CHANGED_EVERY = 250;
const GONE_AT = 137;
const GONE_EVERY = 2_500;

export function writeLargeConfiguration(routes: number, isChanged: boolean): string {
  const numbers = Array.from({ length: routes }, (_, i) => i);
  return [
    'version: 1\nlisteners:\n  web: { address: ":8080" }\n  inner: { address: "127.0.0.1:8081" }\n',
    `policies:\n  cors: { origins: ["https://shop.example.com"] }\n${isChanged ? '  ip: { deny: [192.0.2.0/24] }\n' : ''}`,
    'consumers:\n  alice: { groups: [gold] }\n  bob: { groups: [silver] }\nservices:\n',
    ...Array.from({ length: SERVICES }, (_, i) => writeService(i, isChanged)),
    'routes:\n',
    ...numbers
      .filter((i) => !isChanged || i % GONE_EVERY !== GONE_AT)
      .map((i) => writeRoute(i, isChanged && i % CHANGED_EVERY === 0)),
  ].join('');
}

function writeService(i: number, isChanged: boolean): string {
  const lines = [`  service-${i}:\n    endpoints: ["http://10.0.${i}.1:3000", { url: "http://10.0.${i}.2:3000", weight: 2 }]\n`];
  if (i % 3 === 0) lines.push('    health: { path: /healthz, every: 5s }\n');
  if (i % 5 === 0) lines.push(`    timeouts: { request: ${isChanged && i % 50 === 0 ? 20 : 30}s, connect: 2s }\n`);
  return lines.join('');
}

function writeRoute(i: number, isChanged: boolean): string {
  const service = `service-${(isChanged ? i + 1 : i) % SERVICES}`;
  const lines = [`  route-${i}:\n    match:\n      host: ${writeHost(i)}\n      path: ${writePath(i)}\n`];
  if (i % 2 === 0) lines.push(`      method: [${METHODS[i % 4]}, ${METHODS[(i + 1) % 4]}]\n`);
  if (i % 10 === 3) lines.push('      headers: { x-canary: "yes", x-version: { regex: "v[12]" } }\n');
  if (i % 20 === 7) lines.push('      query: { preview: { present: true } }\n');
  if (i % 4 !== 1) lines.push(`    policies:\n      rate-limit: { limit: ${isChanged ? 50 : 100}/minute, by: ip }\n`);
  if (i % 8 === 2) lines.push('      headers: { request: { set: { x-tenant: acme } } }\n');
  if (i % 6 === 0) lines.push('    timeouts: { request: 20s, firstByte: 5s }\n');
  if (i % 25 === 4) lines.push('    retry: { attempts: 2 }\n');
  lines.push(
    i % 15 === 0
      ? `    to: [{ service: ${service}, weight: 90 }, { service: service-${(i + 7) % SERVICES}, weight: 10 }]\n`
      : `    to: ${service}\n`,
  );
  return lines.join('');
}

function writeHost(i: number): string {
  return i % 12 === 0
    ? `["*.tenant-${i % HOSTS}.example.com", tenant-${i % HOSTS}.example.org]`
    : `host-${i % HOSTS}.example.com`;
}

function writePath(i: number): string {
  if (i % 3 === 0) return `/area-${i % 97}/orders-${i}/:id`;
  return i % 3 === 1 ? `/area-${i % 97}/items-${i}/*` : `/area-${i % 97}/pages-${i}`;
}
