/** A configuration, and what the rules of an audit ask of it: which routes are reached how, and which policies apply there. */
import type { Configuration, ListenerConfiguration, RouteConfiguration } from '#config/configuration.ts';
import type { IssuePath } from '#config/issue.ts';
import type { SecretPlace } from '#config/secret-places.ts';
import { isLoopbackHost } from '#net/loopback.ts';
import { EffectivePolicies } from '#planning/effective-policies.ts';
import { identifyingPolicyNames } from '#policies/registry.ts';
import type { ListenAddress } from '#schema/address.ts';
import { isMap } from '#schema/forms.ts';

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

const READING_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'QUERY', 'TRACE']);

/** Policies that ask the gateway's own rules, or a service, whether a request may pass. */
const DECIDING = ['authorize', 'forward-auth', 'opa'];

export class Audited {
  readonly configuration: Configuration;
  /** Secrets that stand in the text. */
  readonly secrets: readonly SecretPlace[];
  /** Those that machines besides this one reach, and where requests are not merely sent on to `https`. */
  readonly doors: readonly Door[];
  readonly #policies: EffectivePolicies;

  constructor(configuration: Configuration, secrets: readonly SecretPlace[]) {
    this.configuration = configuration;
    this.secrets = secrets;
    this.#policies = new EffectivePolicies(configuration);
    this.doors = listDoors(configuration).filter((door) => door.settings.listener.tls !== undefined || !this.#isRedirected(door));
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

  /** Whether there is anybody that the gateway would keep out. */
  isGuarded(door: Door): boolean {
    return (
      this.isFenced(door) ||
      DECIDING.some((name) => this.findEnforced(name, door) !== undefined) ||
      [...identifyingPolicyNames].some((name) => refusesStrangers(this.find(name, door)))
    );
  }

  /** Whether it depends on the address or the certificate of a client whether it gets in. */
  isFenced(door: Door): boolean {
    const { route, listener } = door.settings;
    if (listener.tls?.clientCertificates?.mode === 'required') return true;
    const ways = route.matches.filter((match) => match.listeners?.includes(door.listener) ?? true);
    if (ways.every(({ clientIps }) => clientIps !== undefined)) return true;
    const { allow, countries } = this.findEnforced('ip', door)?.settings ?? {};
    return allow !== undefined || (isMap(countries) && countries['allow'] !== undefined);
  }

  /** Every policy block of the configuration where it is written, whatever it applies to. */
  *listBlocks(): Generator<Block> {
    const { policies, listeners, routes } = this.configuration;
    yield* toBlocks(policies, ['policies']);
    for (const [name, listener] of Object.entries(listeners)) yield* toBlocks(listener.policies, ['listeners', name, 'policies']);
    for (const [name, route] of Object.entries(routes)) yield* toBlocks(route.policies, ['routes', name, 'policies']);
  }

  #isRedirected(door: Door): boolean {
    return this.find('https-redirect', door) !== undefined;
  }
}

/** Whether others than this machine reach an address. */
export function isReachable(address: ListenAddress): boolean {
  return !('path' in address) && !isLoopbackHost(address.host);
}

/** Whether proxies in front of a listener may have ended TLS. */
export function isBehindProxy({ trustedProxies, proxyProtocol }: ListenerConfiguration): boolean {
  return trustedProxies.length > 0 || proxyProtocol !== undefined;
}

/** Whether who sits on the way to a server can read what it is sent. */
export function isReadable(text: string): boolean {
  const url = URL.parse(text);
  return url?.protocol === 'http:' && !isLoopbackHost(url.hostname.replace(/^\[|\]$/g, ''));
}

export function takesWrites({ matches }: RouteConfiguration): boolean {
  return matches.some(({ methods }) => methods?.some((method) => !READING_METHODS.has(method)) ?? true);
}

/** Names of the services that requests of a route go to. */
export function listServices({ to }: RouteConfiguration): string[] {
  return to.kind === 'service' ? to.services.map(({ service }) => service) : [];
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

function* toBlocks(policies: Readonly<Record<string, unknown>> | undefined, path: IssuePath): Generator<Block> {
  for (const [name, settings] of Object.entries(policies ?? {})) {
    if (!isMap(settings)) continue;
    const block = { name, settings, path: [...path, name] };
    yield block;
    yield* listMethods(block);
  }
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

function refusesStrangers(block: Block | undefined): boolean {
  return block !== undefined && block.settings['anonymous'] === undefined && block.settings['unauthenticated'] !== 'pass';
}
