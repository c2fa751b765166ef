/** A configuration made of a document: one route for each operation, and all requests compared with the document. */
import { isMap, isText } from '#schema/forms.ts';
import { CAPTURE_NAME, parsePathPattern } from '#schema/path-pattern.ts';
import type { ApiDocument, ApiOperation } from './api-document.ts';

export interface WritingOptions {
  /** Name of the service; of the title, when it is not given. */
  readonly service: string | undefined;
  /** Where the service is; the first server of the document, when it is not given. */
  readonly url: string | undefined;
  /** Of the document, as the configuration names it. */
  readonly shownPath: string;
  /** Some patterns of the document cannot be matched in linear time. */
  readonly skipsPatterns: boolean;
}

export interface WrittenConfiguration {
  readonly routes: readonly WrittenRoute[];
  /** What cannot be expressed, or should be looked at. */
  readonly warnings: readonly string[];
  readonly service: string;
  readonly endpoint: string;
  readonly comments: readonly string[];
}

export interface WrittenRoute {
  readonly name: string;
  readonly summary: string | undefined;
  readonly paths: readonly string[];
  readonly methods: readonly string[];
  /** What the operation says of who may call it. */
  readonly security: string | undefined;
}

type Values = Readonly<Record<string, unknown>>;

const PLACEHOLDER_ENDPOINT = 'http://127.0.0.1:3000';
const NAME_LENGTH_MAX = 80;
const SUMMARY_LENGTH_MAX = 100;

export function toWrittenConfiguration(document: ApiDocument, options: WritingOptions): WrittenConfiguration {
  const warnings: string[] = [];
  const service = toName(options.service ?? document.title) || 'api';
  const endpoint = options.url ?? findEndpoint(document, warnings);
  const names = new Set<string>();
  const routes = document.operations.map((operation) => toRoute(operation, document, names));
  for (const part of ['webhooks', 'callbacks'])
    if (part in document.root) warnings.push(`\`${part}\` are requests of the service itself; they have no routes`);
  for (const { name, value } of document.operations)
    if (value['callbacks'] !== undefined)
      warnings.push(`${name}: \`callbacks\` are requests of the service itself; they have no routes`);
  if (options.skipsPatterns)
    warnings.push('some patterns cannot be matched in linear time; they are not checked (`patterns: skip`)');
  const comments = describeSecurity(document);
  if (comments.length > 0)
    warnings.push('security schemes are comments: who issues tokens, and who has which key, the document does not say');
  return { routes, warnings, service, endpoint, comments };
}

/** As YAML. `priorities`: of routes that would tie with others. */
export function writeConfiguration(
  { routes, service, endpoint, comments }: WrittenConfiguration,
  { title }: Pick<ApiDocument, 'title'>,
  options: WritingOptions,
  priorities: ReadonlyMap<string, number>,
): string {
  const { shownPath, skipsPatterns } = options;
  const document = skipsPatterns ? `{ file: ${quote(shownPath)}, patterns: skip }` : quote(shownPath);
  const lines = [
    `# ${toLine(title)}: made of ${toLine(shownPath)} by \`gatehouse import openapi\`.`,
    'version: 1',
    '',
    'listeners:',
    '  web: { address: "${env:LISTEN:-127.0.0.1:8080}" }',
    '',
    'services:',
    `  ${service}: { endpoints: [${quote(endpoint)}] }`,
    '',
    'policies:',
    '  # Each request is compared with the document before the service sees it.',
    `  validate: { openapi: ${document} }`,
    ...comments.map((comment) => `  # ${comment}`),
    '',
    'routes:',
  ];
  for (const route of routes) lines.push(...writeRoute(route, service, priorities.get(route.name)));
  return `${lines.join('\n')}\n`;
}

function writeRoute(route: WrittenRoute, service: string, priority: number | undefined): string[] {
  const { name, summary, paths, methods, security } = route;
  const path = paths.length === 1 ? paths[0]! : `[${paths.join(', ')}]`;
  const method = methods.length === 1 ? methods[0]! : `[${methods.join(', ')}]`;
  const first = priority === undefined ? '' : `priority: ${priority}, `;
  return [
    ...(summary === undefined ? [] : [`  # ${summary}`]),
    ...(security === undefined ? [] : [`  # ${security}`]),
    `  ${name}: { ${first}match: { path: ${path}, method: ${method} }, to: ${service} }`,
  ];
}

function toRoute(operation: ApiOperation, document: ApiDocument, names: Set<string>): WrittenRoute {
  const { method, path, bases, id, value } = operation;
  const name = toOwnName(toName(id ?? `${method.toLowerCase()} ${path}`) || 'operation', names);
  const summary = isText(value['summary']) && value['summary'].trim() !== '' ? toLine(value['summary']) : undefined;
  return {
    name,
    summary: value['deprecated'] === true ? `Deprecated. ${summary ?? ''}`.trimEnd() : summary,
    paths: bases.map((base) => toPath(base + path)),
    // RFC 9110 §9.3.2: whoever answers GET answers HEAD.
    methods: method === 'GET' ? ['GET', 'HEAD'] : [method],
    security: describeRequirement(value['security'] ?? document.root['security']),
  };
}

/** Our patterns where they can say it, otherwise a regular expression. */
function toPath(template: string): string {
  const segments = template.split('/').slice(1);
  const captures = new Set<string>();
  const written = segments.map((segment) => {
    const [, name] = /^\{([^{}]*)\}$/.exec(segment) ?? [];
    if (name === undefined) return segment;
    const capture = toCapture(name, captures);
    captures.add(capture);
    return `:${capture}`;
  });
  const pattern = `/${written.join('/')}`;
  const isPlain = !written.some((segment) => segment.includes('{')) && 'value' in parsePathPattern(pattern);
  if (isPlain) return quote(pattern);
  const regex = template
    .split(/(\{[^{}]*\})/)
    .map((part) => (part.startsWith('{') ? '[^/]+' : part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')))
    .join('');
  return `{ regex: ${quote(regex)} }`;
}

/** Names of captures are words, and each is there once. */
function toCapture(name: string, taken: ReadonlySet<string>): string {
  const word = name.replaceAll(/[^A-Za-z0-9_]/g, '_').replace(/^(?=\d)/, '_');
  const wanted = CAPTURE_NAME.test(word) ? word : 'value';
  return toFree(wanted, taken, '_');
}

function toName(text: string): string {
  return text
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
    .slice(0, NAME_LENGTH_MAX)
    .replaceAll(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '');
}

function toOwnName(name: string, names: Set<string>): string {
  const own = toFree(name, names, '-');
  names.add(own);
  return own;
}

function toFree(name: string, taken: ReadonlySet<string>, separator: string): string {
  let free = name;
  for (let count = 2; taken.has(free); count++) free = `${name}${separator}${count}`;
  return free;
}

function findEndpoint({ root }: ApiDocument, warnings: string[]): string {
  const servers = Array.isArray(root['servers']) ? (root['servers'] as unknown[]) : [];
  const origins = servers.flatMap((server) => {
    const url = isMap(server) && isText(server['url']) ? server['url'] : '';
    return /^https?:\/\/[^/{}?#@\s]+/i.exec(url)?.[0] ?? [];
  });
  const [first] = origins;
  if (first === undefined) {
    warnings.push(`the document names no server with an address of its own; ${PLACEHOLDER_ENDPOINT} stands in its place (--url)`);
    return PLACEHOLDER_ENDPOINT;
  }
  if (new Set(origins).size > 1) warnings.push(`the document has several servers; requests go to ${first} (--url)`);
  return first;
}

/** Which policies schemes are the matter of. */
function describeSecurity({ root }: ApiDocument): string[] {
  const components = isMap(root['components']) ? root['components'] : {};
  const schemes = isMap(components['securitySchemes']) ? components['securitySchemes'] : {};
  return Object.entries(schemes).flatMap(([name, scheme]) =>
    isMap(scheme) ? [`The security scheme ${toLine(name)}: ${describeScheme(scheme)}`] : [],
  );
}

function describeScheme(scheme: Values): string {
  const { type, in: place, name, scheme: kind, openIdConnectUrl } = scheme;
  const text = (value: unknown) => (isText(value) ? toLine(value) : '');
  if (type === 'apiKey' && (place === 'header' || place === 'query')) return `api-key: { ${place}: ${quote(text(name))} }`;
  if (type === 'apiKey') return `a key in the cookie ${text(name)}, which no policy looks at`;
  if (type === 'http' && text(kind).toLowerCase() === 'basic') return 'basic-auth: {}';
  if (type === 'http' && text(kind).toLowerCase() === 'bearer') return 'jwt: { issuer: "https://ISSUER", audience: AUDIENCE }';
  if (type === 'mutualTLS') return 'client-certificate: {}';
  if (type === 'openIdConnect')
    return `jwt: { issuer: ${quote(text(openIdConnectUrl).replace(/\/\.well-known\/.*$/, ''))}, audience: AUDIENCE }`;
  if (type === 'oauth2')
    return 'jwt: { issuer: "https://ISSUER", audience: AUDIENCE }, and authorize: { scopes: [...] } at routes';
  return `of the type ${text(type) || 'unknown'}, for which there is no policy`;
}

function describeRequirement(security: unknown): string | undefined {
  if (!Array.isArray(security) || security.length === 0) return undefined;
  const ways = security.flatMap((way: unknown) => (isMap(way) ? [describeWay(way)] : []));
  return `Asks for ${ways.join(', or ')}.`;
}

function describeWay(way: Values): string {
  const schemes = Object.entries(way).map(([name, scopes]) => {
    const list = Array.isArray(scopes) && scopes.length > 0 ? ` (${scopes.map(String).join(' ')})` : '';
    return toLine(`${name}${list}`);
  });
  return schemes.length === 0 ? 'nothing' : schemes.join(' and ');
}

/** For comments: whatever stands in a document ends with its line. */
function toLine(text: string): string {
  const line = text.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();
  return line.length > SUMMARY_LENGTH_MAX ? `${line.slice(0, SUMMARY_LENGTH_MAX - 1)}…` : line;
}

/** A text of YAML, which a text of JSON is too. `${` would be a reference. */
function quote(text: string): string {
  return /^[A-Za-z./][A-Za-z0-9./_-]*$/.test(text) ? text : JSON.stringify(text.replaceAll('${', '$${'));
}
