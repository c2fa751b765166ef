/**
 * The certificates of one listener, found by the host that a client asks for. Certificates with different kinds of keys for
 * the same host stand side by side, and OpenSSL takes the one that the client understands. Contexts are made when they are
 * first asked for: a listener may have thousands.
 */
import { constants, createHash, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { readAltNames } from './client-certificate.ts';
import { HOST_RANK_EXACT } from './host-map.ts';
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

export interface ServerCertificatesOptions {
  readonly certificates: readonly ServerCertificate[];
  readonly policy: TlsPolicy;
  readonly refusesUnknownHosts: boolean;
  readonly clients: ClientVerification | undefined;
}

export class ServerCertificates {
  readonly options: ServerCertificatesOptions;
  /** Positions of certificates by host, with `*.` for patterns. */
  readonly #positions = new Map<string, number[]>();
  /** By positions. */
  readonly #contexts = new Map<string, SecureContext>();
  /** Kept, because finding it means reading a certificate, which costs a tenth of a handshake. */
  #default: SecureContext | undefined = undefined;
  readonly #identity: string;
  #ticketKey: Buffer | undefined;

  constructor(options: ServerCertificatesOptions, ticketKey: Buffer | undefined) {
    this.options = options;
    this.#ticketKey = ticketKey;
    this.#identity = toIdentity(options);
    for (const [position, certificate] of options.certificates.entries()) this.#add(position, certificate);
  }

  /** Whether the host of a client makes a difference. */
  get dependsOnHost(): boolean {
    return this.options.refusesUnknownHosts || new Set([...this.#positions.values()].map((list) => list.join())).size > 1;
  }

  /**
   * Whether the host must be known before the handshake begins: Node hands over one certificate alone when it is chosen
   * within.
   */
  get needsHost(): boolean {
    return this.dependsOnHost && [...this.#positions.values()].some((list) => list.length > 1);
  }

  /** For clients that name no host. */
  get default(): SecureContext {
    this.#default ??= this.#contextOf(this.#findDefault());
    return this.#default;
  }

  /** How much of a host in lower case the pattern of its certificate says, as `HostMap` counts it; 0 without one. */
  rankOf(host: string): number {
    if (this.#positions.has(host)) return HOST_RANK_EXACT;
    const pattern = toPattern(host);
    return this.#positions.has(pattern) ? pattern.length - 1 : 0;
  }

  /** For a host as a client names it; `undefined` where such hosts are refused. */
  find(serverName: string): SecureContext | undefined {
    const host = serverName.toLowerCase();
    const positions = this.#positions.get(host) ?? this.#positions.get(toPattern(host));
    if (positions !== undefined) return this.#contextOf(positions);
    return this.options.refusesUnknownHosts ? undefined : this.default;
  }

  /** Session tickets are made with this key from now on; sessions of other keys are not resumed. */
  setTicketKey(key: Buffer): void {
    this.#ticketKey = key;
    for (const context of this.#contexts.values()) applyTicketKey(context, key);
  }

  /** Throws when the certificates, keys or lists cannot be used. */
  check(): void {
    this.default;
  }

  #findDefault(): readonly number[] {
    const [host] = hostsOf(this.options.certificates[0]!);
    return (host === undefined ? undefined : this.#positions.get(host)) ?? [0];
  }

  #add(position: number, certificate: ServerCertificate): void {
    for (const host of hostsOf(certificate)) {
      const positions = this.#positions.get(host);
      if (positions === undefined) this.#positions.set(host, [position]);
      else if (!positions.some((other) => this.#keyTypeOf(other) === this.#keyTypeOf(position))) positions.push(position);
    }
  }

  #keyTypeOf(position: number): string | undefined {
    return new X509Certificate(this.options.certificates[position]!.cert).publicKey.asymmetricKeyType;
  }

  #contextOf(positions: readonly number[]): SecureContext {
    const name = positions.join();
    let context = this.#contexts.get(name);
    if (context === undefined) {
      context = this.#createContext(positions.map((position) => this.options.certificates[position]!));
      this.#contexts.set(name, context);
    }
    return context;
  }

  #createContext(certificates: readonly ServerCertificate[]): SecureContext {
    const { policy, clients } = this.options;
    const context = createSecureContext({
      ...toPolicyOptions(policy),
      // A second handshake on a connection would hand it over a second time, and is free work for who asks for it.
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
      cert: certificates.map(({ cert }) => cert),
      key: certificates.map(({ key }) => key),
      // Sessions of listeners that ask for other certificates, or none, must not count here.
      sessionIdContext: this.#identity,
      ...(clients !== undefined && { ca: clients.ca, ...(clients.crl !== undefined && { crl: clients.crl }) }),
    });
    if (this.#ticketKey !== undefined) applyTicketKey(context, this.#ticketKey);
    return context;
  }
}

/** RFC 6125 §6.4.3: the pattern of a certificate stands for one label. */
function toPattern(host: string): string {
  return `*${host.slice(Math.max(0, host.indexOf('.')))}`;
}

interface NativeContext {
  setTicketKeys(key: Buffer): void;
}

/** Node offers this for its own servers only; theirs have the same context behind them. */
function applyTicketKey(context: SecureContext, key: Buffer): void {
  (context.context as NativeContext).setTicketKeys(key);
}

/** A session may be resumed where clients are asked for the same: 32 characters, as many as OpenSSL takes. */
function toIdentity({ clients }: ServerCertificatesOptions): string {
  return createHash('sha256')
    .update(JSON.stringify(clients ?? 'gatehouse'))
    .digest('hex')
    .slice(0, 32);
}

/** The hosts that a certificate is for, in lower case; a name in the subject alone does not count (RFC 9525 §2). */
function hostsOf({ cert, hosts }: ServerCertificate): string[] {
  if (hosts !== undefined) return hosts.map((host) => host.toLowerCase());
  return readAltNames(new X509Certificate(cert).subjectAltName).flatMap((name) =>
    name.startsWith('DNS:') ? [name.slice('DNS:'.length).toLowerCase()] : [],
  );
}
