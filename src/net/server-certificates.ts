/**
 * The certificates of one listener, found by the host that a client asks for. Certificates with different kinds of keys for
 * the same host stand side by side, and OpenSSL takes the one that the client understands. Contexts are made when they are
 * first asked for, and kept for as long as their certificates are: a listener may have thousands, and one is replaced.
 */
import { constants, createHash, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { readCertificates } from './certificate-check.ts';
import { readAltNames } from './client-certificate.ts';
import { HOST_RANK_EXACT } from './host-map.ts';
import type { SessionTickets } from './session-tickets.ts';
import { type TlsPolicy, toPolicyOptions } from './tls-policy.ts';

export interface ServerCertificate {
  /** PEM, with the chain. */
  readonly cert: string;
  readonly key: string;
  /** Host names and patterns such as `*.example.com`; `undefined`: those in the certificate. */
  readonly hosts: readonly string[] | undefined;
}

/** How clients are asked for certificates. */
export interface ClientVerification {
  readonly isRequired: boolean;
  /** PEM. */
  readonly ca: string;
  readonly crl: string | undefined;
  /** Certificates from the client's to the authority's, both counted. */
  readonly depthMax: number;
  /** A client that fails gets answers that say so, instead of a handshake that fails. */
  readonly answersFailure: boolean;
}

/** What is needed to look at the certificate of a client. */
export interface ClientCheck extends ClientVerification {
  /** Those of `ca`. */
  readonly authorities: readonly X509Certificate[];
}

export interface ServerCertificatesOptions {
  readonly certificates: readonly ServerCertificate[];
  readonly policy: TlsPolicy;
  readonly refusesUnknownHosts: boolean;
  readonly clients: ClientVerification | undefined;
}

/** One certificate, or several with different kinds of keys, that stand for the same hosts. */
interface ContextPlace {
  readonly certificates: readonly ServerCertificate[];
  context: SecureContext | undefined;
}

/** What a certificate says. Reading it takes a tenth of a handshake. */
interface CertificateReading {
  readonly hosts: readonly string[];
  readonly keyType: string | undefined;
}

export class ServerCertificates {
  readonly options: ServerCertificatesOptions;
  readonly clients: ClientCheck | undefined;
  /** By host, with `*.` for patterns. */
  readonly #places = new Map<string, ContextPlace>();
  /** By the text of the certificate. */
  readonly #readings = new Map<string, CertificateReading>();
  readonly #default: ContextPlace;
  readonly #identity: string;
  readonly #tickets: SessionTickets;
  /** Whether the host of a client makes a difference. */
  readonly dependsOnHost: boolean;
  /**
   * Whether the host must be known before the handshake begins: Node hands over one certificate alone when it is chosen
   * within.
   */
  readonly needsHost: boolean;

  /** What `before` has made of the same certificates is taken over. */
  constructor(options: ServerCertificatesOptions, tickets: SessionTickets, before?: ServerCertificates) {
    this.options = options;
    this.clients = options.clients && { ...options.clients, authorities: readCertificates(options.clients.ca) };
    this.#tickets = tickets;
    this.#identity = toIdentity(options);
    const positions = this.#readHosts(before);
    const places = new Map<string, ContextPlace>();
    for (const [host, list] of positions) this.#places.set(host, this.#placeOf(list, places));
    const [host] = this.#hostsOf(options.certificates[0]!);
    this.#default = (host === undefined ? undefined : this.#places.get(host)) ?? this.#placeOf([0], places);
    if (before !== undefined) this.#takeContexts(before, places);
    this.dependsOnHost = options.refusesUnknownHosts || places.size > 1;
    this.needsHost = this.dependsOnHost && [...places.values()].some(({ certificates }) => certificates.length > 1);
  }

  /** For clients that name no host. */
  get default(): SecureContext {
    return this.#contextOf(this.#default);
  }

  /** How much of a host in lower case the pattern of its certificate says, as `HostMap` counts it; 0 without one. */
  rankOf(host: string): number {
    if (this.#places.has(host)) return HOST_RANK_EXACT;
    const pattern = toPattern(host);
    return this.#places.has(pattern) ? pattern.length - 1 : 0;
  }

  /** For a host as a client names it; `undefined` where such hosts are refused. */
  find(serverName: string): SecureContext | undefined {
    const host = serverName.toLowerCase();
    const place = this.#places.get(host) ?? this.#places.get(toPattern(host));
    if (place !== undefined) return this.#contextOf(place);
    return this.options.refusesUnknownHosts ? undefined : this.default;
  }

  /** Throws when the certificates, keys or lists cannot be used. */
  check(): void {
    this.default;
  }

  /** Positions of certificates by host. */
  #readHosts(before: ServerCertificates | undefined): Map<string, number[]> {
    const positions = new Map<string, number[]>();
    for (const [position, certificate] of this.options.certificates.entries()) {
      const { cert } = certificate;
      const known = before === undefined ? undefined : before.#readings.get(cert);
      this.#readings.set(cert, known ?? readCertificate(cert));
      for (const host of this.#hostsOf(certificate)) {
        const list = positions.get(host);
        if (list === undefined) positions.set(host, [position]);
        else if (!list.some((other) => this.#keyTypeOf(other) === this.#keyTypeOf(position))) list.push(position);
      }
    }
    return positions;
  }

  /** The hosts that a certificate is for, in lower case. */
  #hostsOf({ cert, hosts }: ServerCertificate): readonly string[] {
    return hosts?.map((host) => host.toLowerCase()) ?? this.#readings.get(cert)!.hosts;
  }

  #keyTypeOf(position: number): string | undefined {
    return this.#readings.get(this.options.certificates[position]!.cert)!.keyType;
  }

  #placeOf(positions: readonly number[], places: Map<string, ContextPlace>): ContextPlace {
    const name = positions.join();
    let place = places.get(name);
    if (place === undefined) {
      place = { certificates: positions.map((position) => this.options.certificates[position]!), context: undefined };
      places.set(name, place);
    }
    return place;
  }

  /** Contexts of the same certificates and keys stay, if everything else that makes them is the same. */
  #takeContexts(before: ServerCertificates, places: ReadonlyMap<string, ContextPlace>): void {
    const isSame = before.#identity === this.#identity && before.options.policy === this.options.policy;
    if (!isSame || before.#tickets !== this.#tickets) return;
    const made = new Map<string, SecureContext>();
    for (const place of new Set([before.#default, ...before.#places.values()]))
      if (place.context !== undefined) made.set(toText(place), place.context);
    if (made.size > 0) for (const place of places.values()) place.context = made.get(toText(place));
  }

  #contextOf(place: ContextPlace): SecureContext {
    place.context ??= this.#createContext(place.certificates);
    return place.context;
  }

  #createContext(certificates: readonly ServerCertificate[]): SecureContext {
    const { policy, clients } = this.options;
    const context = createSecureContext({
      ...toPolicyOptions(policy),
      secureOptions: toSecureOptions(clients),
      cert: certificates.map(({ cert }) => cert),
      key: certificates.map(({ key }) => key),
      // Sessions of listeners that ask for other certificates, or none, must not count here.
      sessionIdContext: this.#identity,
      ...(clients !== undefined && { ca: clients.ca, ...(clients.crl !== undefined && { crl: clients.crl }) }),
    });
    this.#tickets.serve(context);
    return context;
  }
}

function toSecureOptions(clients: ClientVerification | undefined): number {
  // A second handshake on a connection would hand it over a second time, and is free work for who asks for it.
  const always = constants.SSL_OP_NO_RENEGOTIATION;
  // A session keeps the client's certificate and not its chain: one that was too long could not be told from one that was not.
  // Where such a client gets no further than the handshake, it gets no ticket either.
  return clients?.answersFailure === true ? always | constants.SSL_OP_NO_TICKET : always;
}

function toText({ certificates }: ContextPlace): string {
  return certificates.map(({ cert, key }) => `${cert}${key}`).join('');
}

/** RFC 6125 §6.4.3: the pattern of a certificate stands for one label. */
function toPattern(host: string): string {
  return `*${host.slice(Math.max(0, host.indexOf('.')))}`;
}

/** A session may be resumed where clients are asked for the same: 32 characters, as many as OpenSSL takes. */
function toIdentity({ clients }: ServerCertificatesOptions): string {
  return createHash('sha256')
    .update(JSON.stringify(clients ?? 'gatehouse'))
    .digest('hex')
    .slice(0, 32);
}

/** A name in the subject alone is not one of a host (RFC 9525 §2). */
function readCertificate(cert: string): CertificateReading {
  const certificate = new X509Certificate(cert);
  const hosts = readAltNames(certificate.subjectAltName).flatMap((name) =>
    name.startsWith('DNS:') ? [name.slice('DNS:'.length).toLowerCase()] : [],
  );
  return { hosts, keyType: certificate.publicKey.asymmetricKeyType };
}
