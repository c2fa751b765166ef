import type { ClientCertificate } from './client-certificate.ts';

/** What a handshake has told. */
export interface TlsFacts {
  /** The host that the client asked for. */
  readonly serverName: string | undefined;
  readonly alpnProtocol: string | undefined;
  /** Such as `TLSv1.3`. */
  readonly version: string;
  readonly cipher: string;
  readonly isResumed: boolean;
  readonly clientCertificate: ClientCertificate | undefined;
  /** Why requests must be refused although the handshake was let pass: the client's certificate is missing or does not count. */
  readonly clientFault: string | undefined;
}
