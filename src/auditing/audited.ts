/** A configuration, and what the rules of an audit ask of it: which routes are reached how, and which policies apply there. */
import { parseCidr } from '#base/ip.ts';
import type { Configuration, ListenerConfiguration, RouteConfiguration } from '#config/configuration.ts';
import type { IssuePath } from '#config/issue.ts';
import type { SecretPlace } from '#config/secret-places.ts';
import { isLoopbackHost, isReachable } from '#net/loopback.ts';
import { EffectivePolicies } from '#planning/effective-policies.ts';
import { identifyingPolicyNames } from '#policies/registry.ts';
import { isMap, isText } from '#schema/forms.ts';

/** One way to a route: a listener through which requests reach it. */
export interface Door {
  readonly route: string;
  readonly listener: string;
  readonly settings: { readonly route: RouteConfiguration; readonly listener: ListenerConfiguration };
}

export interface Block {
  readonly name: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly path: IssuePath;
}

/** As many IPv4 addresses as nobody has: more than `10.0.0.0/8`. */
const WIDE_IPV4 = 2 ** 24;

const READING_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'QUERY', 'TRACE']);

/** Policies that ask rules of the gateway or of a service whether a request may pass, whoever it comes from. */
const DECIDING = ['authorize', 'opa'];

export class Audited {
  readonly configuration: Configuration;
  /** Secrets that stand in the text. */
  readonly secrets: readonly SecretPlace[];
  /** Those that machines besides this one reach, and where requests are not merely sent on to `https`. */
  readonly doors: readonly Door[];
  /** All policies that apply at any of them, and methods in `any-of`, each once. */
  readonly blocks: readonly Block[];
  readonly #policies: EffectivePolicies;

  constructor(configuration: Configuration, secrets: readonly SecretPlace[]) {
    this.configuration = configuration;
    this.secrets = secrets;
    this.#policies = new EffectivePolicies(configuration);
    this.doors = listDoors(configuration).filter((door) => !this.#isRedirected(door));
    this.blocks = uniquePlaces(this.doors.flatMap((door) => this.#listBlocks(door)));
  }

  /** The settings of a policy where it applies, also of one that only reports. */
  find(name: string, { route, listener }: Door): Block | undefined {
    const { block, path } = this.#policies.find(name, route, listener);
    return isMap(block) ? { name, settings: block, path } : undefined;
  }

  /** The same of one that refuses what it should. */
  findEnforced(name: string, door: Door): Block | undefined {
    const block = this.find(name, door);
    return block?.settings['mode'] === 'report' ? undefined : block;
  }

  /** All methods by which a route finds out who asks, those of `any-of` included. */
  findIdentities(door: Door): Block[] {
    return [...identifyingPolicyNames].flatMap((name) => {
      const block = this.find(name, door);
      return block === undefined ? [] : [block, ...listMethods(block)];
    });
  }

  /** Whether nobody gets in who is not known: to a policy, to a service that is asked, or by a certificate. */
  knowsWhoAsks(door: Door): boolean {
    if (needsCertificate(door) || this.findEnforced('forward-auth', door) !== undefined) return true;
    return [...identifyingPolicyNames].some((name) => {
      const block = this.find(name, door);
      return block !== undefined && block.settings['anonymous'] === undefined && block.settings['unauthenticated'] !== 'pass';
    });
  }

  /** Whether there is anybody that the gateway would keep out. */
  isGuarded(door: Door): boolean {
    const isDecided = DECIDING.some((name) => this.findEnforced(name, door) !== undefined);
    return isDecided || this.isFenced(door) || this.knowsWhoAsks(door);
  }

  /** Whether it depends on the address or the certificate of a client whether it gets in. */
  isFenced(door: Door): boolean {
    if (needsCertificate(door)) return true;
    const ways = door.settings.route.matches.filter((match) => match.listeners?.includes(door.listener) ?? true);
    if (ways.every(({ clientIps }) => clientIps !== undefined && !clientIps.some(isWide))) return true;
    const { allow, countries } = this.findEnforced('ip', door)?.settings ?? {};
    // An `allow` of either kind is enough to come in.
    if (Array.isArray(allow) && allow.some((entry) => isText(entry) && isWide(entry))) return false;
    return allow !== undefined || (isMap(countries) && countries['allow'] !== undefined);
  }

  #listBlocks(door: Door): Block[] {
    return this.#policies.namesFor(door.route, door.listener).flatMap((name) => {
      const block = this.find(name, door);
      return block === undefined ? [] : [block, ...listMethods(block)];
    });
  }

  /** Whether nothing but redirects is answered there. What a proxy says came by `https` passes. */
  #isRedirected(door: Door): boolean {
    const { listener } = door.settings;
    return listener.tls === undefined && !isBehindProxy(listener) && this.find('https-redirect', door) !== undefined;
  }
}

/** Whether proxies in front of a listener may have ended TLS. */
export function isBehindProxy({ trustedProxies, proxyProtocol }: ListenerConfiguration): boolean {
  return trustedProxies.length > 0 || proxyProtocol !== undefined;
}

/** Whether a block holds an unreasonable part of all addresses: of IPv6, more than a `/16`. */
export function isWide(cidr: string): boolean {
  const range = parseCidr(cidr);
  if (range === undefined) return false;
  return range.version === 4 ? range.last - range.first >= WIDE_IPV4 : range.first[0] !== range.last[0];
}

/** Whether who sits on the way to a server can read what it is sent. */
export function isReadable(text: string): boolean {
  const url = URL.parse(text);
  return url?.protocol === 'http:' && !isLoopbackHost(url.hostname.replace(/^\[|\]$/g, ''));
}

export function takesWrites({ matches }: RouteConfiguration): boolean {
  return matches.some(({ methods }) => methods?.some((method) => !READING_METHODS.has(method)) ?? true);
}

/** Whether requests of a route reach a service. Those in a batch go through routes of their own. */
export function reachesServices({ to }: RouteConfiguration): boolean {
  return to.kind === 'service' || to.kind === 'aggregate';
}

/** The first door of each route of those. */
export function firstDoors(doors: readonly Door[]): Door[] {
  return [...new Map(doors.toReversed().map((door) => [door.route, door])).values()].reverse();
}

/** Each place once, whichever doors lead to it. */
export function uniquePlaces<Found extends { readonly path: IssuePath }>(found: readonly Found[]): Found[] {
  return [...new Map(found.map((each) => [JSON.stringify(each.path), each])).values()];
}

export function nameRoutes(doors: readonly Door[]): string {
  const names = [...new Set(doors.map(({ route }) => `\`${route}\``))];
  const shown = names.slice(0, NAMED_ROUTES_MAX).join(', ');
  return names.length > NAMED_ROUTES_MAX ? `${shown} and ${names.length - NAMED_ROUTES_MAX} more` : shown;
}

const NAMED_ROUTES_MAX = 3;

function listDoors({ routes, listeners }: Configuration): Door[] {
  const open = Object.entries(listeners).filter(([, { address, tcp }]) => tcp === undefined && isReachable(address));
  return Object.entries(routes).flatMap(([route, settings]) =>
    open
      .filter(([name]) => settings.matches.some((match) => match.listeners?.includes(name) ?? true))
      .map(([name, listener]) => ({ route, listener: name, settings: { route: settings, listener } })),
  );
}

function needsCertificate({ settings: { listener } }: Door): boolean {
  return listener.tls?.clientCertificates?.mode === 'required';
}

function listMethods({ name, settings, path }: Block): Block[] {
  const { methods } = settings;
  if (name !== 'any-of' || !Array.isArray(methods)) return [];
  return methods.flatMap((method, index) =>
    Object.entries(isMap(method) ? method : {}).flatMap(([inner, block]) =>
      isMap(block) ? [{ name: inner, settings: block, path: [...path, 'methods', index, inner] }] : [],
    ),
  );
}
