/** The connections of clients that a thread has, on listeners that accept and on those that accept no more, and how they end. */
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/logger.ts';
import type { ThreadMeter } from '#base/meter.ts';
import { RefusalLog } from '#base/refusal-log.ts';
import { TcpConnection, type TcpMeans } from '#forward/tcp-connection.ts';
import type { ClientConnection } from '#http/client-connection.ts';
import { HttpDate } from '#http/http-date.ts';
import { Http1ClientConnection } from '#http/http1-client-connection.ts';
import { Http2ClientConnection } from '#http/http2-client-connection.ts';
import type { InjectionTarget } from '#http/inject.ts';
import type { ConnectionOwner, ServerServices } from '#http/server-settings.ts';
import type { AcmeChallenges } from '#net/acme-challenges.ts';
import type { AcceptedConnection } from '#net/listener.ts';
import type { SettingsOfConfiguration } from '#snapshot/arrived-configuration.ts';
import type { TcpDestinations } from '#snapshot/tcp-destinations.ts';
import { ConnectionMeter } from './connection-meter.ts';
import { ListenerSet, type ListenerUse, type ListeningAt, type PreparedListeners } from './listener-set.ts';
import type { ConfigurationFiles } from './named-files.ts';
import type { TicketKeyring } from './ticket-keys.ts';

export interface ClientConnectionsOptions
  extends Pick<ServerServices, 'wheel' | 'buffers' | 'frames' | 'turnEnd' | 'nextRequestId'> {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly meter: ThreadMeter;
  readonly sharesPorts: boolean;
  readonly opensUnixSockets: boolean;
  /** Takes what comes over HTTP. */
  readonly target: InjectionTarget;
  /** Where connections go that nobody reads. */
  findTcpDestinations(): TcpDestinations | undefined;
  onTcpClosed(connection: TcpConnection): void;
}

export class ClientConnections {
  readonly #options: ClientConnectionsOptions;
  readonly #date: HttpDate;
  readonly #meter: ConnectionMeter;
  readonly #listeners: ListenerSet;
  /** Listeners that accept no more and still have connections. */
  readonly #closing = new Set<ListenerUse>();
  #isDraining = false;
  #onEmpty: (() => void) | undefined;

  constructor(options: ClientConnectionsOptions) {
    this.#options = options;
    this.#date = new HttpDate(options.clock);
    this.#meter = new ConnectionMeter(options.meter);
    this.#listeners = new ListenerSet({
      ...options,
      connections: this.#meter,
      onConnection: (use, accepted) => this.#startConnection(use, accepted),
      onHandshakeFailed: () => this.#checkEmpty(),
    });
  }

  get count(): number {
    let count = 0;
    for (const use of this.#allUses) count += countOf(use);
    return count;
  }

  get listening(): ListeningAt[] {
    return this.#listeners.listening;
  }

  /** Opens what is new; rejects when a new listener cannot listen. */
  prepare(settings: SettingsOfConfiguration, files: ConfigurationFiles): Promise<PreparedListeners> {
    return this.#listeners.prepare(settings, files);
  }

  /** Connections of listeners that are gone are drained. */
  commit(prepared: PreparedListeners): void {
    for (const use of this.#listeners.swap(prepared)) this.#retire(use);
  }

  abandon(prepared: PreparedListeners): void {
    this.#listeners.abandon(prepared);
  }

  setTicketKeys(keys: TicketKeyring): void {
    this.#listeners.setTicketKeys(keys);
  }

  setChallenges(challenges: AcmeChallenges): void {
    this.#listeners.setChallenges(challenges);
  }

  /** Notes how many there are, for metrics. */
  look(): void {
    this.#meter.look(this.#allUses);
  }

  /** Stops accepting, and closes what still runs at the deadline. Resolves when no connection is left. */
  async drain(deadlineMs: number): Promise<void> {
    this.#isDraining = true;
    for (const use of this.#listeners.takeAll()) this.#retire(use);
    if (this.count === 0) return;
    const isEmpty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    const timer = setTimeout(() => this.#closeAll(), deadlineMs);
    await isEmpty;
    clearTimeout(timer);
  }

  /** Ends everything at once. */
  close(): void {
    for (const use of this.#listeners.present) use.listener.stop();
    this.#closeAll();
  }

  get #allUses(): ListenerUse[] {
    return [...this.#listeners.present, ...this.#closing];
  }

  #toServerServices(use: ListenerUse): ServerServices {
    const { clock, logger, wheel, buffers, frames, turnEnd, nextRequestId, target } = this.#options;
    const faults = new RefusalLog(logger, clock, 'HTTP/2 connection ended');
    const owner: ConnectionOwner = {
      onExchange: target.onExchange,
      onRefusedRequest: target.onRefusedRequest,
      onExchangeFinished: target.onExchangeFinished,
      onHttp2: (connection, accepted) => {
        use.connections.delete(connection);
        this.#startConnection(use, accepted);
      },
      onConnectionClosed: (connection) => this.#endConnection(use, connection),
      onProtocolFault: ({ facts }, reason) =>
        faults.add({ listener: use.settings.listener, clientAddress: facts.address, reason }),
    };
    return { clock, wheel, buffers, frames, turnEnd, date: this.#date, nextRequestId, owner };
  }

  #startConnection(use: ListenerUse, accepted: AcceptedConnection): void {
    this.#meter.onAccepted(use.settings.listener, accepted);
    if (accepted.protocol === 'bytes') return this.#passOn(use, accepted);
    use.services ??= this.#toServerServices(use);
    const { services } = use;
    const { http2 } = use.settings;
    const connection =
      accepted.protocol === 'http2' && http2 !== undefined
        ? new Http2ClientConnection(accepted, use.settings, services, http2)
        : new Http1ClientConnection(accepted, use.settings, services);
    use.connections.add(connection);
    if (this.#isDraining || this.#closing.has(use)) connection.drain();
  }

  /** Nobody reads what this connection carries. */
  #passOn(use: ListenerUse, accepted: AcceptedConnection): void {
    const { clock, wheel, buffers, nextRequestId } = this.#options;
    const { listener } = use.settings;
    const destination = this.#options.findTcpDestinations()?.find(listener, accepted.passthrough?.pattern);
    if (destination === undefined || accepted.tls?.clientFault !== undefined) {
      // The configuration has changed since the connection was looked at, or since its handshake began.
      accepted.takeSocket().destroy();
      return this.#forget(use, accepted.countedAddress);
    }
    const means: TcpMeans = {
      clock,
      wheel,
      buffers,
      nextConnectionId: nextRequestId,
      owner: {
        onTcpClosed: (closed) => {
          this.#options.onTcpClosed(closed);
          use.connections.delete(closed);
          this.#forget(use, accepted.countedAddress);
        },
      },
    };
    use.connections.add(new TcpConnection(accepted, { listener, destination }, means));
  }

  #endConnection(use: ListenerUse, connection: ClientConnection): void {
    use.connections.delete(connection);
    this.#forget(use, connection.facts.countedAddress);
  }

  /** A connection that was counted is gone. */
  #forget(use: ListenerUse, countedAddress: string): void {
    use.listener.release(countedAddress);
    this.#checkEmpty();
  }

  /** Forgets listeners whose last connection has ended. Whoever drains waits for the last of all. */
  #checkEmpty(): void {
    for (const use of this.#closing) if (countOf(use) === 0) this.#closing.delete(use);
    if (this.#onEmpty !== undefined && this.count === 0) this.#onEmpty();
  }

  #retire(use: ListenerUse): void {
    use.listener.stop();
    if (countOf(use) > 0) this.#closing.add(use);
    for (const connection of [...use.connections]) connection.drain();
  }

  #closeAll(): void {
    for (const use of this.#allUses) {
      use.listener.closeHandshakes();
      for (const connection of [...use.connections]) connection.close();
    }
  }
}

/** Those in their handshake included. */
function countOf({ connections, listener }: ListenerUse): number {
  return connections.size + listener.handshakeCount;
}
