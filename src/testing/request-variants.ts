/**
 * Requests as an attacker or a careless client would write them, made of the paths, hosts and methods of a configuration.
 * The same ones in the same order each time, the plain ones first.
 */
import { createRandomSource, RANDOM_RANGE } from '#base/random.ts';
import type { Configuration } from '#config/configuration.ts';
import { sampleRegex } from '#rehearsal/sample-regex.ts';
import type { PathPattern, PathRegex } from '#routing/route-definition.ts';

export interface VariantOptions {
  /** Patterns that requests are made of, such as `/public/*`; those of all routes when not given. */
  readonly paths?: readonly string[] | undefined;
  readonly methods?: readonly string[] | undefined;
  readonly hosts?: readonly string[] | undefined;
  /** At most. */
  readonly count?: number | undefined;
}

export interface RequestVariant {
  readonly method: string;
  readonly host: string;
  /** As it would be written in the request. */
  readonly target: string;
}

const COUNT = 3_000;
const SAMPLES_MAX = 200;
const HOSTS_MAX = 20;
const UNKNOWN_HOST = 'unknown.example';
const usualMethods = ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS'];

export function listVariants(configuration: Configuration, options: VariantOptions): RequestVariant[] {
  const { count = COUNT } = options;
  const routePaths = unique(listRoutePaths(configuration).flatMap(toSamples)).slice(0, SAMPLES_MAX);
  const bases = options.paths === undefined ? routePaths : unique(options.paths.flatMap((path) => sampleText(path)));
  const hosts = options.hosts ?? listHosts(configuration);
  const methods = options.methods ?? listMethods(configuration);
  const plain = new Set(bases);
  const odd = unique([...bases.flatMap(toSpellings), ...bases.flatMap((base) => toDetours(base, routePaths))]);
  return combine(
    bases,
    odd.filter((target) => !plain.has(target)),
    { hosts, methods },
    count,
  );
}

interface Surroundings {
  readonly hosts: readonly string[];
  readonly methods: readonly string[];
}

/** Every target with each host and method; where those are too many, some of them, the plain targets first. */
function combine(
  plain: readonly string[],
  odd: readonly string[],
  { hosts, methods }: Surroundings,
  count: number,
): RequestVariant[] {
  const cross = (targets: readonly string[]): RequestVariant[] =>
    targets.flatMap((target) => hosts.flatMap((host) => methods.map((method) => ({ method, host, target }))));
  const all = (plain.length + odd.length) * hosts.length * methods.length;
  if (all <= count) return [...cross(plain), ...cross(odd)];
  const random = createRandomSource(VARIANT_SEED);
  const pick = <Item>(list: readonly Item[]): Item => list[Math.floor((random() / RANDOM_RANGE) * list.length)]!;
  const variants = cross(plain).slice(0, Math.floor(count / 2));
  const share = (count - variants.length) / odd.length;
  for (const target of odd) {
    const times = Math.floor(share) + (random() / RANDOM_RANGE < share % 1 ? 1 : 0);
    for (let i = 0; i < times && variants.length < count; i += 1)
      variants.push({ method: pick(methods), host: pick(hosts), target });
  }
  return variants;
}

const VARIANT_SEED = 20_260;

function listRoutePaths({ routes }: Configuration): (PathPattern | PathRegex | undefined)[] {
  return Object.values(routes).flatMap(({ matches }) =>
    matches.flatMap(({ paths }): (PathPattern | PathRegex | undefined)[] =>
      paths === undefined || paths.length === 0 ? [undefined] : [...paths],
    ),
  );
}

function toSamples(path: PathPattern | PathRegex | undefined): string[] {
  if (path === undefined) return ['/', '/anything'];
  if ('regex' in path) return [toWholePath(sampleRegex(path.regex))];
  const start = path.segments.map((segment) => ('literal' in segment ? segment.literal : 'x1')).join('/');
  const whole = `/${start}`;
  if (!path.isPrefix) return [whole];
  return start === '' ? ['/', '/x', '/x/y'] : [whole, `${whole}/x`, `${whole}/x/y`];
}

function sampleText(path: string): string[] {
  const plain = path.replaceAll(/\/:[^/]+/g, '/x1');
  if (!plain.endsWith('/*')) return [plain];
  const start = plain.slice(0, -2);
  return start === '' ? ['/', '/x', '/x/y'] : [start, `${start}/x`, `${start}/x/y`];
}

function toWholePath(sample: string): string {
  return sample.startsWith('/') ? sample : `/${sample}`;
}

function listHosts({ routes }: Configuration): string[] {
  const named = Object.values(routes).flatMap(({ matches }) => matches.flatMap(({ hosts = [] }) => hosts));
  return unique([...named.map((host) => host.replace(/^\*/, 'x')), UNKNOWN_HOST]).slice(-HOSTS_MAX);
}

function listMethods({ routes }: Configuration): string[] {
  const named = Object.values(routes).flatMap(({ matches }) => matches.flatMap(({ methods = [] }) => methods));
  return unique([...usualMethods, ...named]);
}

/** The same path in other words. */
function toSpellings(path: string): string[] {
  const last = path.lastIndexOf('/');
  const letter = path.search(/[a-z]/);
  const spelt = [
    `${path}/`,
    `/${path}`,
    `${path}//`,
    `${path}/.`,
    `${path}/%2e`,
    `/.${path}`,
    `/%2e${path}`,
    `/x/..${path}`,
    `/x/%2E%2e${path}`,
    path.toUpperCase(),
    `${path};a=b`,
    `${path}%00`,
    `${path}%20`,
    `${path}?a=b`,
    `${path}#x`,
    `${path.slice(0, last)}%2f${path.slice(last + 1)}`,
    `${path.slice(0, last)}%5c${path.slice(last + 1)}`,
    `${path.slice(0, last)}\\${path.slice(last + 1)}`,
  ];
  if (letter >= 0) {
    const code = path.charCodeAt(letter).toString(16);
    spelt.push(
      `${path.slice(0, letter)}%${code}${path.slice(letter + 1)}`,
      `${path.slice(0, letter)}%25${code}${path.slice(letter + 1)}`,
    );
  }
  return spelt;
}

/** Ways from one path to another that dot segments and encodings might open. */
function toDetours(from: string, targets: readonly string[]): string[] {
  const depth = from.split('/').length - 1;
  return targets.flatMap((to) => [
    // What a policy leaves of it when it takes the beginning away.
    `${from}${to}`,
    `${from}${'/..'.repeat(depth)}${to}`,
    `${from}${'/%2e%2e'.repeat(depth)}${to}`,
    `${from}${'/..;'.repeat(depth)}${to}`,
    `${from}${'%2f..'.repeat(depth)}${to.replaceAll('/', '%2f')}`,
    `${from}${'/..'.repeat(depth)}%2f${to.slice(1)}`,
    `${from}${'\\..'.repeat(depth)}${to}`,
    `${from}${'%5c..'.repeat(depth)}${to}`,
  ]);
}

function unique(list: readonly string[]): string[] {
  return [...new Set(list)];
}
