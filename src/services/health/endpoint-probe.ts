/** Asks one endpoint whether it is healthy, over a new connection each time. */
import type { Socket } from 'node:net';
import { GatewayError } from '#base/errors.ts';
import { toConnectLoss } from '#http/connect-loss.ts';
import type { SocketAddress } from '#net/address.ts';
import { createDialer, type Dialer, type DialTls } from '#net/dial.ts';
import type { NameResolver } from '#net/name-resolver.ts';
import { encodeClientHeader } from '#net/proxied-client.ts';
import type { EndpointUrl } from '#schema/endpoint-url.ts';
import { encodeHealthRequest, healthCheckPath } from '#wire/grpc/health-check.ts';
import { toAddress, toAuthority } from '../endpoint.ts';
import type { ServiceDefinition } from '../service-definition.ts';
import { askHttp1 } from './ask-http1.ts';
import { askHttp2 } from './ask-http2.ts';
import type { HealthSettings, ProbeSettings } from './health-settings.ts';
import { findGrpcFailure, findHttpFailure, type ProbeRequest } from './probe-answer.ts';

/** How a service is reached, as far as it matters to its checks. */
type ReachedService = Pick<ServiceDefinition, 'name' | 'protocol' | 'tls' | 'proxyProtocol' | 'host'>;

export interface CheckedService {
  readonly service: ReachedService;
  readonly settings: HealthSettings;
}

export interface RunningProbe {
  /** What was wrong; `undefined`: nothing. Comes to an end by `cancel` too. */
  readonly failure: Promise<string | undefined>;
  cancel(): void;
}

/** Told apart from people and from other programs in the log of the service. */
const USER_AGENT = 'gatehouse-health';

export class EndpointProbe {
  readonly #probe: ProbeSettings;
  readonly #dialer: Dialer;
  readonly #isSecure: boolean;
  readonly #speaksHttp2: boolean;
  readonly #request: ProbeRequest | undefined;
  readonly #preamble: Buffer | undefined;

  /** Throws when a certificate, key or list cannot be used. */
  constructor(url: EndpointUrl, { service, settings }: CheckedService, resolver: NameResolver) {
    const { probe, port } = settings;
    const checkedUrl = port === undefined ? url : { ...url, port };
    const address: SocketAddress = toAddress(checkedUrl);
    const tls = toProbeTls(url, service, probe);
    this.#probe = probe;
    this.#dialer = createDialer({ address, tls, resolver });
    this.#isSecure = tls !== undefined;
    this.#speaksHttp2 = service.protocol === 'http2';
    this.#request = toRequest(probe, service, toAuthority(checkedUrl));
    // Another port is another server, which need not expect a PROXY header.
    const { proxyProtocol } = service;
    if (proxyProtocol !== undefined && port === undefined) this.#preamble = encodeClientHeader(proxyProtocol, undefined);
  }

  start(): RunningProbe {
    const socket = this.#open();
    // Kept to the end: an error that comes after the result is no news.
    socket.on('error', () => undefined);
    const failure = this.#ask(socket)
      .catch((error: unknown) => this.#explain(error))
      .finally(() => socket.destroy());
    return { failure, cancel: () => void socket.destroy() };
  }

  #open(): Socket {
    return this.#preamble === undefined ? this.#dialer.connect() : this.#dialer.connectAfter(this.#preamble);
  }

  async #ask(socket: Socket): Promise<string | undefined> {
    const request = this.#request;
    if (request === undefined || this.#probe.kind === 'tcp') return awaitConnection(socket, this.#isSecure);
    const answer = await (this.#speaksHttp2 ? askHttp2(socket, request) : askHttp1(socket, request));
    return this.#probe.kind === 'grpc' ? findGrpcFailure(answer) : findHttpFailure(answer, this.#probe);
  }

  #explain(error: unknown): string {
    const known =
      error instanceof GatewayError
        ? error
        : toConnectLoss(error instanceof Error ? error : undefined, { isSecure: this.#isSecure });
    const { reason, explanation } = known.detail ?? {};
    return [reason ?? known.code, explanation].filter((part) => part !== undefined).join(': ');
  }
}

function awaitConnection(socket: Socket, isSecure: boolean): Promise<undefined> {
  return new Promise((resolve, reject) => {
    socket.once(isSecure ? 'secureConnect' : 'connect', () => resolve(undefined));
    socket.once('error', reject);
    socket.once('close', () => reject(toConnectLoss(undefined, { isSecure })));
  });
}

/** As for requests, but that bytes are spoken to in HTTP where the check is one. */
function toProbeTls({ scheme }: EndpointUrl, { tls, protocol }: ReachedService, probe: ProbeSettings): DialTls | undefined {
  if (scheme === 'http' || scheme === 'tcp') return undefined;
  if (scheme === 'tls' && probe.kind === 'tcp') return tls;
  return { ...tls, protocols: [protocol === 'http2' ? 'h2' : 'http/1.1'] };
}

function toRequest(probe: ProbeSettings, { host }: ReachedService, endpointAuthority: string): ProbeRequest | undefined {
  if (probe.kind === 'tcp') return undefined;
  const authority = probe.host ?? (typeof host === 'object' ? host.name : endpointAuthority);
  const headers = { 'user-agent': USER_AGENT, ...probe.headers };
  if (probe.kind === 'http') return { method: probe.method, path: probe.path, authority, headers, body: undefined };
  return {
    method: 'POST',
    path: healthCheckPath,
    authority,
    headers: { ...headers, 'content-type': 'application/grpc', te: 'trailers' },
    body: encodeHealthRequest(probe.service),
  };
}
