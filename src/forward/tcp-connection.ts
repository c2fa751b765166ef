/**
 * A client's connection whose bytes go to a service unread, both ways, each half closed by itself. An endpoint that cannot
 * be reached costs nothing: what the client sends waits in the operating system until one is.
 */
import type { Clock } from '#base/clock.ts';
import type { GatewayError } from '#base/errors.ts';
import { limits } from '#base/limits.ts';
import type { TimerWheel } from '#base/timer-wheel.ts';
import { ByteStream, type StreamOwner } from '#net/byte-stream.ts';
import type { AcceptedConnection } from '#net/listener.ts';
import { encodeClientHeader, findDestination } from '#net/proxied-client.ts';
import type { ReadBuffers } from '#net/read-buffers.ts';
import { Tunnel, type TunnelEnd, type TunnelOwner } from '#net/tunnel.ts';
import type { AttemptOutcome } from '#services/attempt-outcome.ts';
import type { PickSubject } from '#services/balancing/balancer.ts';
import type { WeightedRotation } from '#services/balancing/weighted-rotation.ts';
import type { Endpoint } from '#services/endpoint.ts';
import type { Service } from '#services/service.ts';
import { serviceErrors } from '#services/service-errors.ts';
import { TcpAttempt, type TcpAttemptOwner } from './tcp-attempt.ts';
import { tcpErrors } from './tcp-errors.ts';

/** Where the bytes of a listener's connections go, or of those to one host. */
export interface TcpDestination {
  readonly services: WeightedRotation<{ readonly service: Service; readonly weight: number }>;
  /** A connection over which nothing moves for this long is ended. */
  readonly idleMs: number;
}

/** What a thread lends to the connections of one listener. */
export interface TcpMeans {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly buffers: ReadBuffers;
  readonly nextConnectionId: () => string;
  readonly owner: TcpConnectionOwner;
}

export interface TcpConnectionOwner {
  /** Called once, when everything about the connection is known. */
  onTcpClosed(connection: TcpConnection): void;
}

export class TcpConnection implements StreamOwner, TcpAttemptOwner, TunnelOwner, PickSubject {
  readonly accepted: AcceptedConnection;
  readonly listener: string;
  readonly id: string;
  readonly startedMs: number;
  readonly serviceName: string;
  endpointName: string | undefined = undefined;
  attempts = 0;
  /** Monotonic time when an endpoint was reached; 0 without one. */
  connectedMs = 0;
  finishedMs = 0;
  clientBytes = 0;
  upstreamBytes = 0;
  error: GatewayError | undefined = undefined;
  readonly #means: TcpMeans;
  readonly #service: Service;
  readonly #idleMs: number;
  readonly #stream: ByteStream;
  readonly #tried: Endpoint[] = [];
  #endpoint: Endpoint | undefined = undefined;
  #attemptStartedMs = 0;
  /** What was read of the client before reading was paused. */
  #early: Buffer | undefined = undefined;
  #attempt: TcpAttempt | undefined = undefined;
  #tunnel: Tunnel | undefined = undefined;
  #isFinished = false;

  constructor(accepted: AcceptedConnection, target: { listener: string; destination: TcpDestination }, means: TcpMeans) {
    const { listener, destination } = target;
    this.accepted = accepted;
    this.listener = listener;
    this.id = means.nextConnectionId();
    this.startedMs = means.clock.monotonicMs();
    this.#means = means;
    this.#service = destination.services.next().service;
    this.serviceName = this.#service.definition.name;
    this.#idleMs = destination.idleMs;
    this.#stream = new ByteStream(this, means.buffers, accepted.makeSocket);
    this.#stream.pause();
    this.#attemptNext(undefined);
  }

  /** The host that the client asked for by TLS, whoever ends that. */
  get serverName(): string | undefined {
    return this.accepted.passthrough?.serverName ?? this.accepted.tls?.serverName;
  }

  /** Nobody reads what is asked for. */
  readonly exchange = undefined;

  get clientAddress(): string {
    return this.accepted.clientAddress;
  }

  /** A stream of bytes has no place where it could be asked to end: it goes on until its ends or the deadline. */
  drain(): void {}

  close(): void {
    if (!this.#isFinished) this.error ??= tcpErrors.stopped();
    // Nobody waits for the sockets: the log may be about to close.
    this.#finish();
    if (this.#tunnel === undefined) this.#stream.destroy();
    else this.#tunnel.close();
  }

  // From the client, until there is a tunnel

  onBytes(bytes: Buffer, end: number): void {
    const view = bytes.subarray(0, end);
    // Reading is paused, but TLS still hands out what it had decrypted.
    this.#early = this.#early === undefined ? Buffer.from(view) : Buffer.concat([this.#early, view]);
  }

  onEof(): void {
    // Whoever reads on finds it out anew.
  }

  onDrained(): void {
    // Nothing is written before there is a tunnel.
  }

  onClosed(error: Error | undefined): void {
    this.#attempt?.cancel();
    if (error !== undefined) this.error ??= tcpErrors.clientLost({ reason: error.message });
    this.#finish();
  }

  // From the endpoint

  onConnected(upstream: ByteStream): void {
    const { clock, wheel } = this.#means;
    this.#attempt = undefined;
    this.connectedMs = clock.monotonicMs();
    this.#tellOutcome(this.#endpoint!, { error: undefined, isCancelled: false });
    const tunnel = new Tunnel({ client: this.#stream, upstream }, { wheel, idleMs: this.#idleMs }, this);
    this.#tunnel = tunnel;
    tunnel.start({ fromClient: this.#early, fromUpstream: undefined });
    this.#early = undefined;
  }

  onNotConnected(error: GatewayError): void {
    this.#attempt = undefined;
    const endpoint = this.#leaveEndpoint()!;
    this.#tellOutcome(endpoint, { error, isCancelled: false });
    if (this.#tried.length < limits.tcpEndpointsTriedMax) this.#attemptNext(error);
    else this.#fail(error);
  }

  onTunnelEnded(end: TunnelEnd): void {
    this.error ??= this.#explain(end);
    this.#finish();
  }

  /** `failure`: why the one before failed; it is what counts when there is no other. */
  #attemptNext(failure: GatewayError | undefined): void {
    const endpoint = this.#service.pick(this, this.#tried);
    if (endpoint === undefined || this.#tried.includes(endpoint)) {
      const error = failure ?? serviceErrors.noEndpoint({ service: this.serviceName });
      // Whoever makes this connection must have it before it hears of its end.
      return queueMicrotask(() => this.#fail(error));
    }
    const { proxyProtocol, connectLimit } = this.#service.definition;
    this.#tried.push(endpoint);
    this.#endpoint = endpoint;
    this.#attemptStartedMs = this.#means.clock.monotonicMs();
    endpoint.enter();
    this.attempts += 1;
    this.endpointName = endpoint.url;
    const { dialer } = endpoint;
    const makeSocket =
      proxyProtocol === undefined ? dialer.makeSocket : dialer.makeSocketAfter(this.#encodeHeader(proxyProtocol));
    this.#attempt = new TcpAttempt(makeSocket, { ...this.#means, connectLimit }, this);
  }

  #encodeHeader(version: 'v1' | 'v2'): Buffer {
    const { clientAddress, clientPort, proxyHeader, tls } = this.accepted;
    return encodeClientHeader(version, {
      source: { address: clientAddress, port: clientPort },
      destination: findDestination(proxyHeader, this.#stream.socket),
      serverName: this.serverName,
      tls,
      proxyHeader,
    });
  }

  /** How reaching the endpoint went; what passes over the connection afterwards says nothing about it. */
  #tellOutcome(endpoint: Endpoint, { error, isCancelled }: Pick<AttemptOutcome, 'error' | 'isCancelled'>): void {
    const endedMs = this.#means.clock.monotonicMs();
    this.#service.onAttemptEnded({
      endpoint,
      startedMs: this.#attemptStartedMs,
      headMs: error === undefined && !isCancelled ? endedMs : 0,
      endedMs,
      status: 0,
      error,
      isCancelled,
    });
  }

  /** Gives the one that was left. */
  #leaveEndpoint(): Endpoint | undefined {
    const endpoint = this.#endpoint;
    this.#endpoint = undefined;
    endpoint?.leave();
    return endpoint;
  }

  #fail(error: GatewayError): void {
    if (this.#isFinished) return;
    this.error = error;
    this.#finish();
    // A regular end would look like an answer of nothing.
    this.#stream.reset();
  }

  #explain(end: TunnelEnd): GatewayError | undefined {
    if (end === 'client-lost') return tcpErrors.clientLost();
    if (end === 'upstream-lost') return tcpErrors.upstreamLost();
    return end === 'idle' ? tcpErrors.idle({ idleMs: this.#idleMs }) : undefined;
  }

  #finish(): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    const endpoint = this.#leaveEndpoint();
    if (this.#attempt !== undefined) this.#tellOutcome(endpoint!, { error: undefined, isCancelled: true });
    const { bytes } = this.#tunnel ?? {};
    this.clientBytes = bytes?.fromClient ?? 0;
    this.upstreamBytes = bytes?.fromUpstream ?? 0;
    this.finishedMs = this.#means.clock.monotonicMs();
    this.#means.owner.onTcpClosed(this);
  }
}
