import type { GatewayError } from '#base/errors.ts';
import type { Exchange } from '#http/exchange.ts';
import type { ResponseHead } from '#http/response.ts';
import type { UpstreamPurpose } from '#http/upstream-request.ts';
import { callLibraries } from '#net/http-call.ts';
import { definePolicy, type PolicyServices } from '#pipeline/policy.ts';
import { removeLookalikes } from '#wire/fields/field-list.ts';
import type { CredentialSettings, UpstreamAuthConfig } from './config.ts';
import { type Credential, createCredential } from './credential.ts';
import { upstreamAuthErrors } from './errors.ts';

/** Shows services who the gateway is. What a client has written in the same field never reaches them. */
export const upstreamAuthPolicy = definePolicy({
  name: 'upstream-auth',
  summary: 'Shows services a credential of the gateway: a token, a password, a key.',
  loadConfig: async () => (await import('./config.ts')).upstreamAuthConfig,
  serviceSettings: ['services'],
  // As they stand in the settings that were read: of a route's one credential, or of those by service.
  fileSettings: ['ca', 'credentials'],
  signingSettings: ['mint', 'services.*.mint'],
  libraries: callLibraries(listTokenServers),
  errors: upstreamAuthErrors,
  describe: describeCredentials,
  create(config, services) {
    const credentials =
      config.kind === 'services' ? new ServiceCredentials(config, services) : new RouteCredential(config, services);
    return {
      ...(credentials.mayWait && { localAnswer: (exchange: Exchange) => prepareAll(credentials, exchange) }),
      upstreamRequest(exchange, request) {
        for (const name of credentials.hidden) removeLookalikes(request.fields, name);
        const credential = credentials.find(request.service, request.purpose);
        if (credential === undefined) return;
        removeLookalikes(request.fields, credential.field);
        request.fields.push(credential.field, credential.valueFor(exchange));
      },
      ...(credentials.mayWait && {
        upstreamResponseHead: (exchange: Exchange, response: ResponseHead) => hearRefusal(credentials, exchange, response),
      }),
    };
  },
});

function listCredentials(config: UpstreamAuthConfig): readonly CredentialSettings[] {
  return config.kind === 'services' ? Object.values(config.credentials) : [config];
}

function listTokenServers(config: UpstreamAuthConfig): string[] {
  return listCredentials(config).flatMap((settings) => {
    if (settings.kind !== 'token') return [];
    const { server } = settings;
    return [server.issuer ?? server.tokenEndpoint];
  });
}

interface Credentials {
  /** Some of them have to be fetched. */
  readonly mayWait: boolean;
  /** Names of fields that no service gets as a client has written them. */
  readonly hidden: readonly string[];
  /** `undefined`: the service is shown none. */
  find(service: string, purpose: UpstreamPurpose): Credential | undefined;
}

/** One for the services that a route leads to. Others that stand in for them, or are sent copies, may belong to somebody else. */
class RouteCredential implements Credentials {
  readonly mayWait: boolean;
  readonly hidden: readonly string[];
  readonly #credential: Credential;

  constructor(settings: CredentialSettings, services: PolicyServices) {
    this.#credential = createCredential(settings, services);
    this.mayWait = this.#credential.prepare !== undefined;
    this.hidden = [this.#credential.field];
  }

  find(_service: string, purpose: UpstreamPurpose): Credential | undefined {
    return purpose === 'route' ? this.#credential : undefined;
  }
}

/** One for each service that is named, however a request comes to it. */
class ServiceCredentials implements Credentials {
  readonly mayWait: boolean;
  readonly hidden: readonly string[];
  readonly #byService: ReadonlyMap<string, Credential>;

  constructor({ credentials }: Extract<UpstreamAuthConfig, { kind: 'services' }>, services: PolicyServices) {
    const entries = Object.entries(credentials);
    this.#byService = new Map(entries.map(([service, settings]) => [service, createCredential(settings, services)]));
    this.mayWait = [...this.#byService.values()].some(({ prepare }) => prepare !== undefined);
    // What only the gateway writes is to be believed wherever it stands. In `authorization`, other services are told who asks.
    const minted = entries.flatMap(([, settings]) => (settings.kind === 'mint' ? [settings.header] : []));
    this.hidden = [...new Set(minted)].filter((name) => name !== 'authorization');
  }

  find(service: string): Credential | undefined {
    return this.#byService.get(service);
  }
}

/** Waits for what the services of the route may need. What only stands in for them is no reason to wait. */
function prepareAll(credentials: Credentials, { plan }: Exchange): undefined | GatewayError | Promise<GatewayError | undefined> {
  if (plan?.standIn !== undefined) credentials.find(plan.standIn, 'fallback')?.prepare?.();
  const names = plan?.services ?? [];
  for (let i = 0; i < names.length; i++) {
    const result = credentials.find(names[i]!, 'route')?.prepare?.();
    if (result instanceof Promise) return prepareRest(credentials, result, names.slice(i + 1));
    if (result !== undefined) return result;
  }
  return undefined;
}

async function prepareRest(
  credentials: Credentials,
  first: Promise<GatewayError | undefined>,
  names: readonly string[],
): Promise<GatewayError | undefined> {
  const results = names.map((name) => credentials.find(name, 'route')?.prepare?.());
  for (const result of [first, ...results]) {
    const error = await result;
    if (error !== undefined) return error;
  }
  return undefined;
}

function hearRefusal(
  credentials: Credentials,
  { serviceName, fallbackReason, startedMs }: Exchange,
  { status }: ResponseHead,
): void {
  if (status !== 401 || serviceName === undefined) return;
  credentials.find(serviceName, fallbackReason === undefined ? 'route' : 'fallback')?.onRefused?.(startedMs);
}

function describeCredentials(config: UpstreamAuthConfig): string {
  if (config.kind !== 'services') return `${describeCredential(config)} for the services of the route`;
  const each = Object.entries(config.credentials).map(([service, settings]) => `${service}: ${describeCredential(settings)}`);
  return each.join('; ');
}

function describeCredential(settings: CredentialSettings): string {
  switch (settings.kind) {
    case 'token': {
      const { server, clientId } = settings;
      return `a token of ${'issuer' in server ? server.issuer : server.tokenEndpoint} for ${clientId}`;
    }
    case 'basic':
      return `user ${settings.username} with a password`;
    case 'bearer':
      return 'a bearer token';
    case 'header':
      return `a secret in ${settings.header}`;
    case 'mint':
      return `a token of the gateway in ${settings.header}, for ${settings.audience}`;
    default:
      return settings satisfies never;
  }
}
