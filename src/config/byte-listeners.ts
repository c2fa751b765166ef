/**
 * What the parts of a configuration say that passes bytes on: listeners with `tcp`, hosts with `passthrough`, and services
 * with `tcp` or `tls` endpoints. Works on what the user wrote, because a default is no mistake.
 */
import { readEndpointUrl } from '#schema/endpoint-url.ts';
import { isMap, isText } from '#schema/forms.ts';
import type { Finding, IssuePath } from './issue.ts';

type WrittenMap = Readonly<Record<string, unknown>>;

/** What a listener is told about HTTP. */
const HTTP_SETTINGS = ['http2', 'trustedProxies', 'limits', 'policies'];
const HTTP_TIMEOUTS = ['bodyIdle', 'keepAlive', 'linger'];
const HTTP_CLIENT_SETTINGS = ['forward'];
/** What a service is told about requests and answers, or about connections that are kept. */
const HTTP_SERVICE_SETTINGS = ['pool', 'host', 'retry'];
const HTTP_SERVICE_TIMEOUTS = ['firstByte', 'idle', 'attempt', 'request'];
const HTTP_SERVICE_OUTLIERS = ['statuses'];

/** Where a listener sends bytes: what is written there, in the forms of a route's `to`. */
export function listByteDestinations(listener: unknown, path: IssuePath): [to: unknown, path: IssuePath][] {
  if (!isMap(listener)) return [];
  const { tcp, tls } = listener;
  const destinations: [unknown, IssuePath][] = isMap(tcp) ? [[tcp['to'], [...path, 'tcp', 'to']]] : [];
  const hosts = isMap(tls) ? tls['passthrough'] : undefined;
  for (const [host, to] of entriesOf(hosts)) destinations.push([to, [...path, 'tls', 'passthrough', host]]);
  return destinations;
}

/** A listener that passes bytes on needs a service that takes them. */
export function findHttpService({ name, path }: { name: string; path: IssuePath }, services: unknown): Finding[] {
  const scheme = readServiceScheme(services, name);
  if (scheme !== 'http' && scheme !== 'https') return [];
  const message = `the endpoints of the service \`${name}\` are \`${scheme}\`, and what is passed on here are bytes of any kind; it needs \`tcp\` or \`tls\``;
  return [{ path, code: 'conflict', message }];
}

/** The scheme of a service that exists and is well-formed. Services that mix schemes are reported by the schema. */
export function readServiceScheme(services: unknown, name: string): string | undefined {
  const service = isMap(services) && Object.hasOwn(services, name) ? services[name] : undefined;
  const endpoints = isMap(service) ? service['endpoints'] : undefined;
  const first: unknown = Array.isArray(endpoints) ? endpoints[0] : undefined;
  const url = isMap(first) ? first['url'] : first;
  if (endpoints === undefined) return readDiscoveredScheme(isMap(service) ? service['discover'] : undefined);
  const reading = isText(url) ? readEndpointUrl(url) : undefined;
  return reading === undefined || 'problem' in reading ? undefined : reading.value.scheme;
}

/** A file says what it says when it is read. */
function readDiscoveredScheme(discover: unknown): string | undefined {
  if (!isMap(discover)) return undefined;
  const source = discover['dns'] ?? discover['consul'];
  const scheme = isMap(source) ? (source['scheme'] ?? 'http') : undefined;
  return isText(scheme) ? scheme : undefined;
}

/** No request comes through a listener with `tcp`. */
export function findByteListener({ name, path }: { name: string; path: IssuePath }, listeners: unknown): Finding[] {
  const listener = isMap(listeners) && Object.hasOwn(listeners, name) ? listeners[name] : undefined;
  if (!isMap(listener) || listener['tcp'] === undefined) return [];
  const message = `the listener \`${name}\` passes bytes on (\`tcp\`), so no request ever comes through it`;
  return [{ path, code: 'conflict', message }];
}

/** Settings that mean nothing where bytes are passed on. */
export function findUselessByBytes({ listeners, services }: WrittenMap): Finding[] {
  const findings: Finding[] = [];
  for (const [name, listener] of entriesOf(listeners)) {
    const path = ['listeners', name];
    if (isMap(listener)) findings.push(...findUselessInListener(listener, path), ...findMissingCertificates(listener, path));
  }
  for (const [name, service] of entriesOf(services)) {
    const scheme = readServiceScheme(services, name);
    if (!isMap(service) || (scheme !== 'tcp' && scheme !== 'tls')) continue;
    const why = `endpoints with \`${scheme}\` take bytes, one connection for each client`;
    const path = ['services', name];
    findings.push(
      ...toUseless(service, HTTP_SERVICE_SETTINGS, { path, why }),
      ...toUseless(service['timeouts'], HTTP_SERVICE_TIMEOUTS, { path: [...path, 'timeouts'], why }),
      ...toUseless(service['outliers'], HTTP_SERVICE_OUTLIERS, { path: [...path, 'outliers'], why }),
    );
  }
  return findings;
}

function findUselessInListener(listener: WrittenMap, path: IssuePath): Finding[] {
  const { tcp, tls, timeouts } = listener;
  if (tcp === undefined) return [];
  const why = 'a listener with `tcp` reads no HTTP';
  const clients = isMap(tls) ? tls['clientCertificates'] : undefined;
  // Connections of hosts that are passed through are idle for as long as tunnels are.
  const passesHosts = isMap(tls) && tls['passthrough'] !== undefined;
  const findings = [
    ...toUseless(listener, HTTP_SETTINGS, { path, why }),
    ...toUseless(timeouts, passesHosts ? HTTP_TIMEOUTS : [...HTTP_TIMEOUTS, 'tunnelIdle'], { path: [...path, 'timeouts'], why }),
    ...toUseless(clients, HTTP_CLIENT_SETTINGS, { path: [...path, 'tls', 'clientCertificates'], why }),
  ];
  if (isMap(clients) && clients['onFailure'] === 'answer') {
    const message = `${why}, so it could not answer; leave \`onFailure\` out, and the handshake fails`;
    findings.push({ path: [...path, 'tls', 'clientCertificates', 'onFailure'], code: 'conflict', message });
  }
  return findings;
}

/** Without certificates no handshake is made: all that is left are hosts that are passed through. */
function findMissingCertificates({ tls }: WrittenMap, path: IssuePath): Finding[] {
  if (!isMap(tls) || tls['certificates'] !== undefined) return [];
  if (tls['passthrough'] === undefined) {
    const message = '`certificates` is missing; without it, `passthrough` names hosts whose TLS somebody else ends';
    return [{ path: [...path, 'tls', 'certificates'], code: 'missing', message }];
  }
  const names = Object.keys(tls).filter((name) => name !== 'passthrough');
  return toUseless(tls, names, { path: [...path, 'tls'], why: 'without `certificates` TLS is ended for no host' });
}

function toUseless(map: unknown, names: readonly string[], { path, why }: { path: IssuePath; why: string }): Finding[] {
  if (!isMap(map)) return [];
  const written = names.filter((name) => map[name] !== undefined);
  return written.map((name) => ({
    path: [...path, name],
    code: 'conflict',
    message: `${why}, so \`${name}\` would have no effect; leave it out`,
    pointAt: 'key',
  }));
}

function entriesOf(value: unknown): [string, unknown][] {
  return isMap(value) ? Object.entries(value) : [];
}
