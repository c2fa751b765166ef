/**
 * One reading of the request target for matching, policies and forwarding alike. Two paths that an upstream could take for
 * the same become the same here, and what could be read in two ways is refused. All input is attacker-controlled.
 */
import { limits } from '#base/limits.ts';

export interface NormalTarget {
  /** Begins with `/`, without dot segments; percent-encodings that mean plain letters are decoded, others are upper-case. `*` for `OPTIONS *`. */
  path: string;
  /** Without `?`, as it came. */
  query: string;
  /** Path and query as they are forwarded. */
  target: string;
  /** The authority of an absolute-form target, which overrides Host (RFC 9112 §3.2.2). */
  authority: string | undefined;
}

export type TargetFault =
  | 'targetForm'
  | 'emptySegment'
  | 'backslash'
  | 'percentEncoding'
  | 'encodedNul'
  | 'tooManySegments'
  | 'aboveRoot'
  | 'hiddenDotSegment';

/** What a client is told about each. */
export const targetFaults: Readonly<Record<TargetFault, string>> = {
  targetForm: 'the request target is neither a path nor an http(s) URL',
  emptySegment: 'the path has an empty segment (//)',
  backslash: 'the path has a backslash',
  percentEncoding: 'the path has a percent sign that is not followed by two hexadecimal digits',
  encodedNul: 'the path has an encoded NUL byte',
  tooManySegments: 'the path has more segments than this gateway accepts',
  aboveRoot: 'the path leads above its root',
  hiddenDotSegment: 'the path has a dot segment beside an encoded slash or with parameters',
};

const SLASH = 47;
const DOT = 46;
const PERCENT = 37;
const BACKSLASH = 92;
const QUESTION = 63;

/** Normalises a target; returns the fault when it has none that is safe. `method` matters for `OPTIONS *` only. */
export function normaliseTarget(raw: string, method: string): NormalTarget | TargetFault {
  if (raw.charCodeAt(0) === SLASH) return normaliseOriginForm(raw, undefined);
  if (raw === '*' && method === 'OPTIONS') return { path: '*', query: '', target: '*', authority: undefined };
  const absolute = /^https?:\/\/([^/?@\\]+)(|[/?].*)$/i.exec(raw);
  if (absolute === null) return 'targetForm';
  const rest = absolute[2]!;
  // RFC 9112 §3.2.4: OPTIONS for an authority without a path means the server as a whole.
  if (rest === '' && method === 'OPTIONS') return { path: '*', query: '', target: '*', authority: absolute[1]! };
  return normaliseOriginForm(rest.startsWith('/') ? rest : `/${rest}`, absolute[1]!);
}

function normaliseOriginForm(raw: string, authority: string | undefined): NormalTarget | TargetFault {
  let segments = 0;
  let isPlain = true;
  let position = 0;
  for (; position < raw.length; position++) {
    const code = raw.charCodeAt(position);
    if (code === SLASH) {
      if (++segments > limits.pathSegmentsMax) return 'tooManySegments';
      const next = raw.charCodeAt(position + 1);
      if (next === SLASH) return 'emptySegment';
      if (next === DOT) isPlain = false;
    } else if (code === PERCENT) isPlain = false;
    else if (code === BACKSLASH) return 'backslash';
    else if (code === QUESTION) break;
  }
  const query = position < raw.length ? raw.substring(position + 1) : '';
  if (isPlain) return { path: position === raw.length ? raw : raw.substring(0, position), query, target: raw, authority };
  const decoded = decodePath(raw.substring(0, position));
  if (typeof decoded !== 'object') return decoded;
  if (HIDDEN_DOT_SEGMENT.test(decoded.path)) return 'hiddenDotSegment';
  const path = removeDotSegments(decoded.path);
  if (path === undefined) return 'aboveRoot';
  return { path, query, target: position < raw.length ? `${path}?${query}` : path, authority };
}

/**
 * A segment that is none here and a dot segment for others: upstreams that decode `%2F` first, or that take `;x` for
 * parameters and drop them, would leave the part of the path that the route stands for.
 */
const HIDDEN_DOT_SEGMENT = /(?:\/|%2F)\.{1,2}(?:;|%3B|%2F)|%2F\.{1,2}(?:\/|$)/;

/** RFC 3986 §6.2.2: unreserved characters are never encoded, other encodings are upper-case. An encoded slash stays encoded. */
function decodePath(raw: string): { path: string } | TargetFault {
  let path = '';
  let start = 0;
  for (let percent = raw.indexOf('%'); percent >= 0; percent = raw.indexOf('%', percent + 3)) {
    const digits = raw.substring(percent + 1, percent + 3);
    if (!/^[0-9a-fA-F]{2}$/.test(digits)) return 'percentEncoding';
    const code = Number.parseInt(digits, 16);
    if (code === 0) return 'encodedNul';
    if (code === BACKSLASH) return 'backslash';
    const char = String.fromCharCode(code);
    path += raw.substring(start, percent) + (/[A-Za-z0-9\-._~]/.test(char) ? char : `%${digits.toUpperCase()}`);
    start = percent + 3;
  }
  return { path: path + raw.substring(start) };
}

/** RFC 3986 §5.2.4, except that a path that leads above its root is refused instead of cut. */
function removeDotSegments(path: string): string | undefined {
  const kept: string[] = [];
  const segments = path.split('/');
  for (let i = 1; i < segments.length; i++) {
    const segment = segments[i]!;
    const isLast = i === segments.length - 1;
    if (segment === '..') {
      if (kept.length === 0) return undefined;
      kept.pop();
    } else if (segment !== '.') kept.push(segment);
    if (isLast && (segment === '.' || segment === '..')) kept.push('');
  }
  return `/${kept.join('/')}`;
}

/**
 * Narrower than RFC 3986 §3.2.2, which allows commas, quotes and percent signs that no host name has and that mean something
 * else in the fields which pass the host on. No label is empty.
 */
const AUTHORITY = /^(?:\[[0-9a-fA-F:.]{2,45}\]|[\w~-]+(?:\.[\w~-]+)*\.?)(?::([0-9]{0,5}))?$/;
const HOST_CHARS_MAX = 253;

/** The host of a Host field or authority: lower-case, without port and trailing dot; `undefined` when it is none. */
export function parseHost(authority: string): string | undefined {
  const match = AUTHORITY.exec(authority);
  if (match === null) return undefined;
  const port = match[1];
  const written = port === undefined ? authority : authority.slice(0, authority.length - port.length - 1);
  const host = written.endsWith('.') ? written.slice(0, -1) : written;
  return host.length > HOST_CHARS_MAX ? undefined : host.toLowerCase();
}
