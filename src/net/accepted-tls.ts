/**
 * The gateway's side of a TLS handshake. Node's own way, a TLS socket around the accepted one, cannot read into our
 * buffers and keeps two sockets for each connection: measured at twice the processor time of a request. So the accepted
 * connection's handle is moved into a TLS socket without one below it (docs/decisions/0002-own-http1.md).
 */
import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import { assert } from '#base/assert.ts';
import type { OnRead } from './byte-stream.ts';
import { CHAIN_MAX } from './client-certificate.ts';
import { isPlainHttp, plainHttpAnswer, unrecognizedName, writePastTls } from './past-tls.ts';

export interface AcceptedTlsOptions {
  readonly context: SecureContext;
  /** Chooses another context by the host that the client names; `undefined` refuses it. */
  readonly findContext: ((serverName: string) => SecureContext | undefined) | undefined;
  /** In the form of the extension: a length and a name each. */
  readonly protocols: Buffer;
  readonly asksForCertificate: boolean;
  /** A client without a certificate is refused by OpenSSL itself. */
  readonly requiresCertificate: boolean;
  /** Where the first bytes behind the handshake are read to. */
  readonly firstBuffer: Buffer;
}

/** Who waits for a handshake; told exactly once how it went. */
export interface HandshakeOwner {
  /** Nothing has been read behind the handshake yet; `takeOver` must be called before this returns, or the socket be destroyed. */
  onSecure(socket: AcceptedTlsSocket): void;
  /** The client asks for a host that it is refused; answer with `refuseHost`. */
  onUnknownHost(serverName: string): void;
  /** The socket is closed. Without an error, the client has gone. */
  onFailed(error: Error | undefined): void;
}

/** What Node's types leave out. */
interface Handle {
  receive(bytes: Buffer): void;
  verifyError(): { readonly code?: string } | null;
}

type WrapHandle = (wrap: null, handle: unknown, hasActiveWrite: boolean) => unknown;

interface TlsSocketParts {
  readonly _handle: Handle | null;
  readonly _tlsOptions: { readonly acceptedHandle: unknown };
  readonly _wrapHandle: WrapHandle;
  _releaseControl(): void;
  connecting: boolean;
  secureConnecting: boolean;
}

const parts = TLSSocket.prototype as unknown as TlsSocketParts;

export class AcceptedTlsSocket extends TLSSocket {
  readonly #owner: HandshakeOwner;
  readonly #relay: ReadRelay;
  #isOver = false;

  /** `acceptedHandle`: of a connection that no socket holds; without one there is no TLS. */
  constructor(acceptedHandle: object | undefined, options: AcceptedTlsOptions, owner: HandshakeOwner) {
    assert(acceptedHandle !== undefined, 'this Node has handles');
    const relay = new ReadRelay(options.firstBuffer);
    super(undefined as unknown as Socket, toNodeOptions(acceptedHandle, { options, relay, owner }));
    this.#owner = owner;
    this.#relay = relay;
    // Node takes a TLS socket without another below it for one that is still to be connected.
    (this as unknown as TlsSocketParts).connecting = false;
    this.once('secure', onSecure);
    this.on('error', onHandshakeError);
    this.on('end', onHandshakeEnded);
    this.on('close', onHandshakeClosed);
  }

  /** Called by the constructor of `TLSSocket`. */
  _wrapHandle(wrap: null, _handle: unknown, hasActiveWrite: boolean): unknown {
    const { acceptedHandle } = (this as unknown as TlsSocketParts)._tlsOptions;
    return parts._wrapHandle.call(this, wrap, acceptedHandle, hasActiveWrite);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    // The last moment at which the connection is open.
    if (!this.#isOver && isPlainHttp(error)) this.#writePastTls(plainHttpAnswer);
    super._destroy(error, callback);
  }

  /** Ends a handshake that asks for a host that it is refused; nothing was written yet. */
  refuseHost(): void {
    this.#writePastTls(unrecognizedName);
    this.destroy();
  }

  #writePastTls(bytes: Buffer): void {
    writePastTls((this as unknown as TlsSocketParts)._tlsOptions.acceptedHandle, bytes);
  }

  /** Bytes that were read from the connection before this socket was made. */
  receive(bytes: Buffer): void {
    (this as unknown as TlsSocketParts)._handle?.receive(bytes);
  }

  /** The new owner reads; `onread` has the meaning of the option of `net.connect`. */
  takeOver(onread: OnRead): void {
    this.#relay.target = onread as unknown as ReadTarget;
  }

  /** Why the client's certificate does not count. */
  get verifyError(): string | undefined {
    const error = (this as unknown as TlsSocketParts)._handle?.verifyError();
    return error === null || error === undefined ? undefined : (error.code ?? 'UNKNOWN');
  }

  /** The client's certificate and those behind it that it has sent, as far as they make a chain. */
  get peerChain(): X509Certificate[] {
    const chain: X509Certificate[] = [];
    for (let next = this.getPeerX509Certificate(); next !== undefined && chain.length < CHAIN_MAX; next = next.issuerCertificate)
      chain.push(next);
    return chain;
  }

  secured(): void {
    this.#isOver = true;
    this.off('error', onHandshakeError).off('end', onHandshakeEnded).off('close', onHandshakeClosed);
    const own = this as unknown as TlsSocketParts;
    own.secureConnecting = false;
    own._releaseControl();
    this.#owner.onSecure(this);
  }

  failed(error: Error | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#owner.onFailed(error);
  }
}

function onSecure(this: AcceptedTlsSocket): void {
  this.secured();
}

function onHandshakeError(this: AcceptedTlsSocket, error: Error): void {
  this.failed(error);
}

/** A client that has ended its side cannot come to the end of its handshake. */
function onHandshakeEnded(this: AcceptedTlsSocket): void {
  this.destroy();
}

function onHandshakeClosed(this: AcceptedTlsSocket): void {
  this.failed(undefined);
}

interface ReadTarget {
  buffer(): Uint8Array | undefined;
  callback(this: Socket, bytesRead: number, buffer: Uint8Array): boolean;
}

/** The socket asks for its `onread` when it is made, and its reader is known when the handshake is over. */
class ReadRelay {
  target: ReadTarget | undefined = undefined;
  readonly #firstBuffer: Buffer;

  constructor(firstBuffer: Buffer) {
    this.#firstBuffer = firstBuffer;
  }

  next(): Uint8Array | undefined {
    return this.target === undefined ? this.#firstBuffer : this.target.buffer();
  }
}

function toNodeOptions(
  acceptedHandle: unknown,
  { options, relay, owner }: { options: AcceptedTlsOptions; relay: ReadRelay; owner: HandshakeOwner },
): object {
  const { context, findContext, protocols, asksForCertificate, requiresCertificate } = options;
  return {
    acceptedHandle,
    isServer: true,
    secureContext: context,
    allowHalfOpen: true,
    ALPNProtocols: protocols,
    requestCert: asksForCertificate,
    rejectUnauthorized: requiresCertificate,
    onread: {
      buffer: () => relay.next(),
      callback(this: Socket, bytesRead: number, buffer: Uint8Array) {
        return relay.target === undefined ? true : relay.target.callback.call(this, bytesRead, buffer);
      },
    },
    ...(findContext !== undefined && {
      SNICallback: (serverName: string, callback: (error: null, context: SecureContext) => void) => {
        const found = findContext(serverName);
        if (found === undefined) owner.onUnknownHost(serverName);
        else callback(null, found);
      },
    }),
  };
}

/** The form in which OpenSSL wants protocols. */
export function encodeProtocols(names: readonly string[]): Buffer {
  return Buffer.from(names.map((name) => `${String.fromCharCode(name.length)}${name}`).join(''), 'latin1');
}
