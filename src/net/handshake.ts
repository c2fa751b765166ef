/** One TLS handshake of a client: over in time, or given up; with what it has told. */
import type { X509Certificate } from 'node:crypto';
import { WheelTimer } from '#base/timer-wheel.ts';
import type { AcceptedTlsSocket, HandshakeOwner } from './accepted-tls.ts';
import { type ClientCertificate, countToAuthority, toClientCertificate } from './client-certificate.ts';
import type { ClientCheck } from './server-certificates.ts';
import type { TlsFacts } from './tls-facts.ts';

export type HandshakeEnd = { readonly socket: AcceptedTlsSocket; readonly facts: TlsFacts } | { readonly reason: string };

export class Handshake extends WheelTimer implements HandshakeOwner {
  /** Set as soon as there is one. */
  socket: AcceptedTlsSocket | undefined = undefined;
  readonly #clients: ClientCheck | undefined;
  readonly #onEnd: (end: HandshakeEnd) => void;
  /** Why it was given up, where that was our own decision. */
  #reason: string | undefined = undefined;

  constructor(clients: ClientCheck | undefined, onEnd: (end: HandshakeEnd) => void) {
    super();
    this.#clients = clients;
    this.#onEnd = onEnd;
  }

  close(): void {
    this.#reason ??= 'the gateway is stopping';
    this.socket?.destroy();
  }

  override onDeadline(): void {
    this.#reason = 'the client took too long';
    this.socket?.destroy();
  }

  onSecure(socket: AcceptedTlsSocket): void {
    const chain = this.#clients === undefined ? [] : socket.peerChain;
    const verifyError = this.#clients === undefined ? undefined : this.#findFault(socket, chain, this.#clients);
    const clientCertificate = chain.length === 0 ? undefined : toClientCertificate(chain, verifyError);
    if (verifyError !== undefined && this.#clients?.answersFailure === false) {
      socket.destroy();
      this.#onEnd({ reason: `the certificate of the client does not count: ${verifyError}` });
      return;
    }
    this.#onEnd({ socket, facts: new HandshakeFacts(socket, clientCertificate, verifyError) });
  }

  onUnknownHost(serverName: string): void {
    this.#reason = `there is no certificate for ${serverName}`;
    this.socket?.refuseHost();
  }

  onFailed(error: Error | undefined): void {
    this.#onEnd({ reason: this.#reason ?? (error === undefined ? 'the client has gone' : explain(error)) });
  }

  #findFault(socket: AcceptedTlsSocket, chain: readonly X509Certificate[], clients: ClientCheck): string | undefined {
    const { isRequired, authorities, depthMax } = clients;
    if (chain.length === 0) return isRequired ? 'missing' : undefined;
    return socket.verifyError ?? (countToAuthority(chain, authorities) > depthMax ? 'CERT_CHAIN_TOO_LONG' : undefined);
  }
}

/** What is seldom asked for is asked of the socket then. */
class HandshakeFacts implements TlsFacts {
  readonly serverName: string | undefined;
  readonly alpnProtocol: string | undefined;
  readonly clientCertificate: ClientCertificate | undefined;
  readonly clientFault: string | undefined;
  readonly #socket: AcceptedTlsSocket;

  constructor(socket: AcceptedTlsSocket, clientCertificate: ClientCertificate | undefined, clientFault: string | undefined) {
    const { alpnProtocol } = socket;
    const { servername: serverName } = socket as { servername?: string | false | null };
    this.serverName = typeof serverName === 'string' ? serverName : undefined;
    this.alpnProtocol = typeof alpnProtocol === 'string' ? alpnProtocol : undefined;
    this.clientCertificate = clientCertificate;
    this.clientFault = clientFault;
    this.#socket = socket;
  }

  get version(): string {
    return this.#socket.getProtocol() ?? '';
  }

  get cipher(): string {
    return this.#socket.getCipher()?.name ?? '';
  }

  get isResumed(): boolean {
    return this.#socket.isSessionReused();
  }
}

/** Says what has happened, and in brackets the code that it goes by. */
function explain(error: Error): string {
  const { code, reason } = error as NodeJS.ErrnoException & { readonly reason?: string };
  if (code === undefined) return reason ?? error.message;
  const sentence = sentences.find(([ending]) => code.endsWith(ending))?.[1] ?? reason;
  return sentence === undefined ? code : `${sentence} (${code})`;
}

/** By the end of OpenSSL's code: its beginning says which version of TLS has brought it. */
const sentences: readonly (readonly [ending: string, sentence: string])[] = [
  ['HTTP_REQUEST', 'the client speaks HTTP without TLS'],
  ['WRONG_VERSION_NUMBER', 'the client does not speak TLS'],
  ['UNSUPPORTED_PROTOCOL', 'the client speaks no version of TLS that the policy has'],
  ['NO_SHARED_CIPHER', 'the client and the policy have no cipher in common'],
  ['NO_APPLICATION_PROTOCOL', 'the client speaks no protocol that the listener has (ALPN)'],
  ['PEER_DID_NOT_RETURN_A_CERTIFICATE', 'the client has shown no certificate'],
  ['CERTIFICATE_VERIFY_FAILED', "the client's certificate does not count"],
  ['ALERT_UNKNOWN_CA', 'the client does not know who signed the certificate'],
  ['ALERT_CERTIFICATE_UNKNOWN', 'the client does not accept the certificate'],
  ['ALERT_BAD_CERTIFICATE', 'the client does not accept the certificate'],
  ['ALERT_CERTIFICATE_EXPIRED', 'the client finds the certificate expired'],
  ['ECONNRESET', 'the client has gone'],
];
