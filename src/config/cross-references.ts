/**
 * What one part of a configuration says about another: services and listeners that are named, addresses that are taken
 * twice, captures that a path does not have. Works on what the user wrote, not on what validation made of it, so that it
 * finds its mistakes beside all others.
 */
import { type ListenAddress, readAddress } from '#schema/address.ts';
import { isMap, isText } from '#schema/forms.ts';
import { listCaptureNames, parsePathPattern } from '#schema/path-pattern.ts';
import { listWords, quote } from '#schema/quote.ts';
import { listGroupNames, readRegex } from '#schema/regex.ts';
import { suggestWord } from '#schema/suggest.ts';
import { listLogUses } from './access-log/log-references.ts';
import {
  findByteListener,
  findHttpService,
  findUselessByBytes,
  listByteDestinations,
  readServiceScheme,
} from './byte-listeners.ts';
import { findTooManyEndpoints } from './endpoint-room.ts';
import type { Finding, IssuePath } from './issue.ts';
import { findCountriesWithoutDatabase } from './policies/country-uses.ts';
import { findForeignLimitCaptures, findMissingLimitCaptures } from './policies/limit-captures.ts';
import { findMissingStores } from './policies/missing-stores.ts';
import { findMissingTokenKeys } from './policies/token-key-uses.ts';
import { findMissingHashCaptures } from './services/hash-captures.ts';
import { listTracingUses } from './tracing-references.ts';
import { findUselessImportance } from './useless-importance.ts';

/** Each suggestion compares with every name. A configuration with more wrong names than this has one cause. */
const SUGGESTIONS_MAX = 50;
const LISTED_NAMES_MAX = 8;
const CAPTURE_USE = /\$\$\{|\$\{path\.([^}:]*)\}/g;
const REST = '*';

/** As much of a policy as is needed to find what its settings name. */
interface NamingPolicy {
  readonly name: string;
  readonly serviceSettings?: readonly string[] | undefined;
  readonly consumerSettings?: readonly string[] | undefined;
  readonly signingSettings?: readonly string[] | undefined;
  readonly storeSettings?: readonly string[] | undefined;
  readonly nested?: { readonly setting: string; readonly policies: readonly NamingPolicy[] } | undefined;
  readonly countrySettings?: readonly string[] | undefined;
}

/** All mistakes between the parts. Parts of a wrong shape are passed over: the schema reports them. */
export function findCrossReferenceProblems(configuration: unknown, policies: readonly NamingPolicy[]): Finding[] {
  if (!isMap(configuration)) return [];
  const findings: Finding[] = [];
  const { stores } = configuration;
  const services = new NameCheck('service', configuration['services']);
  const listeners = new NameCheck('listener', configuration['listeners']);
  const consumers = new NameCheck('consumer', configuration['consumers']);
  const routes = new NameCheck('route', configuration['routes']);
  const schemes = new Map<string, string | undefined>();
  const schemeOf = (service: string): string | undefined => {
    if (!schemes.has(service)) schemes.set(service, readServiceScheme(configuration['services'], service));
    return schemes.get(service);
  };
  // Of many routes, each would be asked for all policies.
  const naming = {
    services: policies.filter(({ serviceSettings, nested }) => serviceSettings !== undefined || nested !== undefined),
    consumers: policies.filter(({ consumerSettings, nested }) => consumerSettings !== undefined || nested !== undefined),
    stores: policies.filter(({ storeSettings, nested }) => storeSettings !== undefined || nested !== undefined),
  };
  for (const use of listLogUses(configuration['accessLog'])) (use.kind === 'route' ? routes : listeners).check(use, findings);
  for (const [name, route] of entriesOf(configuration['routes'])) {
    if (!isMap(route)) continue;
    const path = ['routes', name];
    const { policies: blocks } = route;
    const blocksPath = [...path, 'policies'];
    const policyUses = listPolicyUses(blocks, blocksPath, naming.services, 'serviceSettings');
    for (const use of listPolicyUses(blocks, blocksPath, naming.consumers, 'consumerSettings')) consumers.check(use, findings);
    for (const use of [...listServiceUses(route['to'], [...path, 'to']), ...policyUses]) {
      services.check(use, findings);
      findings.push(...findByteService(use, schemeOf));
    }
    for (const use of listListenerUses(route['match'], [...path, 'match'])) {
      listeners.check(use, findings);
      findings.push(...findByteListener(use, configuration['listeners']));
    }
    findings.push(...findMissingCaptures(route, path));
    const listPaths = () => listCapturingPaths(route['match'], [...path, 'match']);
    findings.push(...findMissingLimitCaptures(blocks, blocksPath, listPaths));
    findings.push(...findMissingStores(blocks, blocksPath, { stores, policies: naming.stores }));
  }
  for (const [blocks, path] of listSharedPolicies(configuration)) {
    findings.push(...findForeignLimitCaptures(blocks, path), ...findMissingStores(blocks, path, { stores, policies }));
    for (const use of listPolicyUses(blocks, path, policies, 'consumerSettings')) consumers.check(use, findings);
    for (const use of listPolicyUses(blocks, path, policies, 'serviceSettings')) {
      services.check(use, findings);
      findings.push(...findByteService(use, schemeOf));
    }
  }
  for (const [name, listener] of entriesOf(configuration['listeners'])) {
    const uses = listByteDestinations(listener, ['listeners', name]).flatMap(([to, path]) => listServiceUses(to, path));
    for (const use of uses) {
      services.check(use, findings);
      findings.push(...findHttpService(use, configuration['services']));
    }
  }
  for (const use of listTracingUses(configuration['tracing'])) (use.kind === 'route' ? routes : listeners).check(use, findings);
  const { recording } = configuration;
  const recorded = isMap(recording) && Array.isArray(recording['routes']) ? recording['routes'] : [];
  for (const [index, name] of recorded.entries())
    if (isText(name)) routes.check({ name, path: ['recording', 'routes', index] }, findings);
  findings.push(...findMissingHashCaptures(configuration['services'], () => listAllCaptures(configuration['routes'])));
  findings.push(...findUselessByBytes(configuration), ...findUselessImportance(configuration));
  findings.push(...findCountriesWithoutDatabase(configuration, policies));
  findings.push(...findTooManyEndpoints(configuration['services']), ...findMissingTokenKeys(configuration, policies));
  findings.push(...findSharedAddresses(configuration), ...findForeignCaptures(configuration), ...findAcmeProblems(configuration));
  return findings;
}

interface NameUse {
  readonly name: string;
  readonly path: IssuePath;
}

class NameCheck {
  readonly #noun: string;
  readonly #names: ReadonlySet<string>;
  #suggestions = 0;

  constructor(noun: string, entries: unknown) {
    this.#noun = noun;
    this.#names = new Set(isMap(entries) ? Object.keys(entries) : []);
  }

  check({ name, path }: NameUse, findings: Finding[]): void {
    if (this.#names.has(name)) return;
    findings.push({ path, code: 'unknown-name', message: `there is no ${this.#noun} \`${name}\`${this.#explainNames(name)}` });
  }

  #explainNames(name: string): string {
    if (this.#names.size === 0) return `; the configuration has no ${this.#noun}s`;
    this.#suggestions += 1;
    const suggestion = this.#suggestions <= SUGGESTIONS_MAX ? suggestWord(name, this.#names) : undefined;
    if (suggestion !== undefined) return `; did you mean \`${suggestion}\`?`;
    const listed = [...this.#names].slice(0, LISTED_NAMES_MAX);
    if (listed.length < this.#names.size) return `; there are ${this.#names.size}, among them ${listWords(listed, 'and')}`;
    return `; there ${listed.length === 1 ? 'is' : 'are'} ${listWords(listed, 'and')}`;
  }
}

function listServiceUses(to: unknown, path: IssuePath): NameUse[] {
  if (isText(to)) return [{ name: to, path }];
  if (Array.isArray(to)) return to.flatMap((item, index) => listServiceUses(isMap(item) ? item : undefined, [...path, index]));
  if (!isMap(to)) return [];
  const one = isText(to['service']) ? [{ name: to['service'], path: [...path, 'service'] }] : [];
  const several = Array.isArray(to['services']) ? listServiceUses(to['services'], [...path, 'services']) : [];
  const { fallback, aggregate } = to;
  const calls = isMap(aggregate) ? listCallUses(aggregate['calls'], [...path, 'aggregate', 'calls']) : [];
  return [...one, ...several, ...calls, ...(isMap(fallback) ? listServiceUses(fallback, [...path, 'fallback']) : [])];
}

function listCallUses(calls: unknown, path: IssuePath): NameUse[] {
  return entriesOf(calls).flatMap(([name, call]) =>
    isMap(call) && isText(call['service']) ? [{ name: call['service'], path: [...path, name, 'service'] }] : [],
  );
}

/** What the settings of policies name. */
function listPolicyUses(
  blocks: unknown,
  path: IssuePath,
  policies: readonly NamingPolicy[],
  kind: 'serviceSettings' | 'consumerSettings',
): NameUse[] {
  if (!isMap(blocks)) return [];
  return policies.flatMap(({ name, nested, [kind]: settings = [] }) => {
    const block = blocks[name];
    if (!isMap(block)) return [];
    const own = settings.flatMap((setting) => {
      const named = block[setting];
      if (isMap(named)) return Object.keys(named).map((used) => ({ name: used, path: [...path, name, setting, used] }));
      return itemsOf(named, [...path, name, setting]).flatMap(([used, usePath]) =>
        isText(used) ? [{ name: used, path: usePath }] : [],
      );
    });
    if (nested === undefined) return own;
    const items = itemsOf(block[nested.setting], [...path, name, nested.setting]);
    return [...own, ...items.flatMap(([item, at]) => listPolicyUses(item, at, nested.policies, kind))];
  });
}

/** The policies of the gateway and of its listeners. */
function listSharedPolicies(configuration: Readonly<Record<string, unknown>>): [blocks: unknown, path: IssuePath][] {
  const shared: [unknown, IssuePath][] = [[configuration['policies'], ['policies']]];
  for (const [name, listener] of entriesOf(configuration['listeners'])) {
    if (isMap(listener)) shared.push([listener['policies'], ['listeners', name, 'policies']]);
  }
  return shared;
}

function listListenerUses(match: unknown, path: IssuePath): NameUse[] {
  return itemsOf(match, path).flatMap(([item, itemPath]) => {
    if (!isMap(item)) return [];
    return itemsOf(item['listener'], [...itemPath, 'listener']).flatMap(([name, namePath]) =>
      isText(name) ? [{ name, path: namePath }] : [],
    );
  });
}

/** A route sends requests, and some services take bytes of any kind. */
function findByteService({ name, path }: NameUse, schemeOf: (service: string) => string | undefined): Finding[] {
  const scheme = schemeOf(name);
  if (scheme !== 'tcp' && scheme !== 'tls') return [];
  const message = `the endpoints of the service \`${name}\` are \`${scheme}\`, which takes bytes and no requests; a route needs \`http\` or \`https\``;
  return [{ path, code: 'conflict', message }];
}

/** Two listeners on one address, or a listener and the admin side. */
function findSharedAddresses(configuration: Readonly<Record<string, unknown>>): Finding[] {
  const findings: Finding[] = [];
  const ownerByAddress = new Map<string, string>();
  const places: [string, unknown, IssuePath][] = entriesOf(configuration['listeners']).map(([name, listener]) => [
    `the listener \`${name}\``,
    isMap(listener) ? listener['address'] : undefined,
    ['listeners', name, 'address'],
  ]);
  const admin = configuration['admin'];
  if (isMap(admin)) places.push(['`admin`', admin['address'], ['admin', 'address']]);
  for (const [owner, written, path] of places) {
    const address = isText(written) ? readAddress(written) : undefined;
    if (address === undefined || 'problem' in address) continue;
    const key = toAddressKey(address.value);
    if (key === undefined) continue;
    const other = ownerByAddress.get(key);
    if (other === undefined) ownerByAddress.set(key, owner);
    else
      findings.push({
        path,
        code: 'conflict',
        message: `${quote(String(written))} is the address of ${other} already; give each its own`,
      });
  }
  return findings;
}

/** `undefined` for a port that the system chooses, which is never the same. */
function toAddressKey(address: ListenAddress): string | undefined {
  if ('path' in address) return address.path;
  if (address.port === 0) return undefined;
  return `${address.host === '0.0.0.0' ? '::' : address.host} ${address.port}`;
}

/** Certificates that are ordered need to know where, and a way for the authority to see that the names are ours. */
function findAcmeProblems(configuration: Readonly<Record<string, unknown>>): Finding[] {
  const acme = configuration['acme'];
  const listeners = entriesOf(configuration['listeners']).filter((entry): entry is [string, Readonly<Record<string, unknown>>] =>
    isMap(entry[1]),
  );
  const orders = listeners.flatMap(([name, { tls }]) => (isMap(tls) ? listOrders(tls, ['listeners', name, 'tls']) : []));
  if (acme === undefined) {
    const message =
      'there is no `acme` block that says where certificates are ordered; write one, such as `acme: { email: ops@example.com }`';
    return orders.map((path) => ({ path, code: 'unknown-name', message }));
  }
  const isByHttp = isMap(acme) && (acme['challenge'] === undefined || acme['challenge'] === 'http-01');
  const answers = listeners.some(([, { tls, tcp }]) => tls === undefined && tcp === undefined);
  if (orders.length === 0 || !isByHttp || answers) return [];
  const message =
    'the challenge `http-01` is answered by a listener without `tls`, and there is none; add one that is reached on port 80, or use `challenge: tls-alpn-01`';
  return [{ path: isMap(acme) && acme['challenge'] !== undefined ? ['acme', 'challenge'] : ['acme'], code: 'conflict', message }];
}

function listOrders(tls: Readonly<Record<string, unknown>>, path: IssuePath): IssuePath[] {
  return itemsOf(tls['certificates'], [...path, 'certificates']).flatMap(([item, itemPath]) =>
    isMap(item) && item['acme'] !== undefined ? [[...itemPath, 'acme']] : [],
  );
}

/** A path of a route and what it captures; `*` among the captures says that it ends with `/*`. */
interface CapturingPath {
  readonly source: string;
  readonly captures: readonly string[];
}

/** A template may use only what every path of the route captures: otherwise some requests would have a hole there. */
function findMissingCaptures(route: Readonly<Record<string, unknown>>, path: IssuePath): Finding[] {
  if (!usesCaptures(route['to']) && !usesCaptures(route['policies'])) return [];
  const uses = [...listCaptureUses(route['to'], [...path, 'to']), ...listCaptureUses(route['policies'], [...path, 'policies'])];
  const paths = listCapturingPaths(route['match'], [...path, 'match']);
  return uses.flatMap(({ name, path: usePath }): Finding[] => {
    const lacking = paths?.find(({ captures }) => !captures.includes(name));
    return lacking === undefined ? [] : [{ path: usePath, code: 'unknown-name', message: explainMissingCapture(name, lacking) }];
  });
}

function explainMissingCapture(name: string, { source, captures }: CapturingPath): string {
  const variable = `\`\${path.${name}}\``;
  if (source === '')
    return `${variable} needs a match with a path that captures it, such as \`/orders/:${name === REST ? 'id/*' : name}\``;
  if (name === REST) return `${variable}: the path ${quote(source)} does not end with \`/*\``;
  const names = captures.filter((capture) => capture !== REST);
  const suggestion = suggestWord(name, names);
  const ending = suggestion === undefined ? '' : `; did you mean \`\${path.${suggestion}}\`?`;
  return `${variable}: the path ${quote(source)} does not capture \`${name}\`${ending}`;
}

/** `undefined` when a path is wrong, so that what it captures is not known. */
function listCapturingPaths(match: unknown, path: IssuePath): CapturingPath[] | undefined {
  const found: CapturingPath[] = [];
  for (const [item, itemPath] of itemsOf(match, path)) {
    if (!isMap(item)) return undefined;
    if (item['path'] === undefined) found.push({ source: '', captures: [] });
    for (const [written] of itemsOf(item['path'], [...itemPath, 'path'])) {
      const capturing = toCapturingPath(written);
      if (capturing === undefined) return undefined;
      found.push(capturing);
    }
  }
  return found;
}

/** What every path of a route captures; `undefined` when a path is wrong. */
export function listCommonCaptures(match: unknown): string[] | undefined {
  const [first, ...others] = listCapturingPaths(match, []) ?? [];
  return first?.captures.filter((name) => name !== REST && others.every(({ captures }) => captures.includes(name)));
}

function listAllCaptures(routes: unknown): ReadonlySet<string> | undefined {
  const captures = new Set<string>();
  for (const [, route] of entriesOf(routes)) {
    const paths = isMap(route) ? listCapturingPaths(route['match'], []) : undefined;
    if (paths === undefined) return undefined;
    for (const path of paths) for (const capture of path.captures) captures.add(capture);
  }
  return captures;
}

function toCapturingPath(written: unknown): CapturingPath | undefined {
  if (isText(written)) {
    const pattern = parsePathPattern(written);
    if ('problem' in pattern) return undefined;
    const { segments, isPrefix } = pattern.value;
    return { source: written, captures: [...listCaptureNames(segments), ...(isPrefix ? [REST] : [])] };
  }
  const source = isMap(written) ? written['regex'] : undefined;
  if (!isText(source) || 'problem' in readRegex(source)) return undefined;
  return { source, captures: listGroupNames(source) };
}

/** Policies of a listener or of the gateway serve many routes, whose paths capture different things. */
function findForeignCaptures(configuration: Readonly<Record<string, unknown>>): Finding[] {
  return listSharedPolicies(configuration).flatMap(([policies, path]) =>
    listCaptureUses(policies, path).map(({ name, path: usePath }): Finding => {
      const message = `\`\${path.${name}}\` belongs to the path of one route; use it in the policies of a route`;
      return { path: usePath, code: 'unknown-name', message };
    }),
  );
}

/** Every `${path.NAME}` in the texts of a value. */
function listCaptureUses(value: unknown, path: IssuePath): NameUse[] {
  if (isText(value)) {
    if (!value.includes('${path.')) return [];
    return [...value.matchAll(CAPTURE_USE)].flatMap(({ 1: name }) => (name === undefined ? [] : [{ name, path }]));
  }
  if (Array.isArray(value)) return value.flatMap((item, index) => listCaptureUses(item, [...path, index]));
  return entriesOf(value).flatMap(([key, item]) => listCaptureUses(item, [...path, key]));
}

/** Most values use none, and to find that out no paths are made. */
function usesCaptures(value: unknown): boolean {
  if (isText(value)) return value.includes('${path.');
  return typeof value === 'object' && value !== null && Object.values(value).some(usesCaptures);
}

function entriesOf(value: unknown): [string, unknown][] {
  return isMap(value) ? Object.entries(value) : [];
}

/** One thing or a list of them, with their paths; nothing for nothing. */
function itemsOf(value: unknown, path: IssuePath): [unknown, IssuePath][] {
  if (Array.isArray(value)) return value.map((item, index) => [item, [...path, index]]);
  return value === undefined ? [] : [[value, path]];
}
