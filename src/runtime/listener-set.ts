/** The listeners of one data thread: opened all or none, kept by their address, given new settings where they stay. */

import { compileAddressSet } from '#base/address-set.ts';
import type { Clock } from '#base/clock.ts';
import { limits } from '#base/limits.ts';
import type { Logger } from '#base/logger.ts';
import { RefusalLog } from '#base/refusal-log.ts';
import type { TimerWheel } from '#base/timer-wheel.ts';
import type { Configuration, ListenerConfiguration } from '#config/configuration.ts';
import type { ClientConnection } from '#http/client-connection.ts';
import type { Http2Limits, ServerServices, ServerSettings } from '#http/server-settings.ts';
import type { AcmeChallenges } from '#net/acme-challenges.ts';
import { formatAddress, type SocketAddress } from '#net/address.ts';
import { ChallengeCertificates } from '#net/challenge-certificates.ts';
import { HostMap } from '#net/host-map.ts';
import { type AcceptedConnection, Listener, type ListenerCaps, type ListenerSettings, type ListenerTls } from '#net/listener.ts';
import type { ReadBuffers } from '#net/read-buffers.ts';
import { ServerCertificates } from '#net/server-certificates.ts';
import { SessionTickets } from '#net/session-tickets.ts';
import { readHostPattern } from '#schema/host-pattern.ts';
import type { SettingsOfConfiguration } from '#snapshot/arrived-configuration.ts';
import type { ConnectionMeter } from './connection-meter.ts';
import { ListenFailure } from './listen-failure.ts';
import { type ListenerTlsDefinition, toListenerTlsDefinition } from './listener-tls.ts';
import type { ConfigurationFiles } from './named-files.ts';
import type { TicketKeyring } from './ticket-keys.ts';

export interface ListenerSetOptions {
  /** Other threads listen on the same ports. */
  readonly sharesPorts: boolean;
  /** A Unix socket has one owner; the other threads leave it alone. */
  readonly opensUnixSockets: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly wheel: TimerWheel;
  readonly buffers: ReadBuffers;
  readonly connections: ConnectionMeter;
  /** A handshake that was counted has ended without a connection. */
  onHandshakeFailed(): void;
  onConnection(use: ListenerUse, accepted: AcceptedConnection): void;
}

/** A listener that accepts connections, and where. */
export interface ListeningAt {
  readonly name: string;
  readonly address: SocketAddress;
  /** `tcp` and `tls` for listeners that pass bytes on. */
  readonly scheme: 'http' | 'https' | 'tcp' | 'tls';
}

/** One listener with what its connections share. The socket stays while its address does; the settings may change under it. */
export class ListenerUse {
  readonly listener: Listener;
  readonly connections = new Set<Pick<ClientConnection, 'drain' | 'close'>>();
  settings: ServerSettings;
  /** What `listener` serves TLS with, as text to compare. */
  tlsText: string;
  boundTo: SocketAddress | undefined = undefined;
  /** What its connections are given; made with the first. */
  services: ServerServices | undefined = undefined;
  /** Connections that came before the configuration of this listener is the present one; then `undefined`. */
  early: AcceptedConnection[] | undefined = [];

  constructor(listener: Listener, settings: ServerSettings, tlsText: string) {
    this.listener = listener;
    this.settings = settings;
    this.tlsText = tlsText;
  }
}

/** What a configuration makes of the listeners, before anything is changed. */
export interface PreparedListeners {
  readonly definitions: Configuration['listeners'];
  readonly uses: ReadonlyMap<string, ListenerUse>;
  /** Those among `uses` that are new. */
  readonly opened: readonly ListenerUse[];
  readonly tls: ReadonlyMap<string, PreparedTls>;
  readonly via: string;
}

/** What a listener serves TLS with from now on, and the text that it is compared by. */
interface PreparedTls {
  readonly served: ListenerTls | undefined;
  readonly text: string;
}

const taken = { code: 'EADDRINUSE' };

export class ListenerSet {
  readonly #options: ListenerSetOptions;
  readonly #challenges = new ChallengeCertificates();
  #ticketKeys: TicketKeyring = {};
  #uses: ReadonlyMap<string, ListenerUse> = new Map();

  constructor(options: ListenerSetOptions) {
    this.#options = options;
  }

  get present(): ListenerUse[] {
    return [...this.#uses.values()];
  }

  get listening(): ListeningAt[] {
    return [...this.#uses].map(([name, { listener, boundTo }]) => ({ name, address: boundTo!, scheme: toScheme(listener) }));
  }

  /** Session tickets are made with these keys from now on. */
  setTicketKeys(keys: TicketKeyring): void {
    this.#ticketKeys = keys;
    for (const [name, { listener }] of this.#uses) this.#giveTicketKeys(name, listener);
  }

  /** Opens the listeners whose address is new; all of them or none. */
  async prepare(configuration: SettingsOfConfiguration, files: ConfigurationFiles): Promise<PreparedListeners> {
    const { listeners: definitions, forwarding } = configuration;
    const tls = new Map<string, PreparedTls>();
    const uses = new Map<string, ListenerUse>();
    const opened: ListenerUse[] = [];
    try {
      for (const [name, definition] of Object.entries(definitions)) {
        if ('path' in definition.address && !this.#options.opensUnixSockets) continue;
        const present = this.#findPresent(name, definition.address);
        // One that was given a port by the system may stand where another is meant to be.
        if (present !== undefined && [...uses.values()].includes(present))
          throw new ListenFailure(name, definition.address, taken);
        const tickets = present?.listener.options.tickets ?? new SessionTickets();
        const prepared = prepareTls(name, toListenerTlsDefinition(definition, configuration, files), { present, tickets });
        tls.set(name, prepared);
        const use = present ?? this.#create(name, definition, { tls: prepared, via: forwarding.via, tickets });
        uses.set(name, use);
        if (present !== undefined) continue;
        this.#giveTicketKeys(name, use.listener);
        opened.push(use);
        use.boundTo = await use.listener.start().catch((error: unknown) => {
          throw new ListenFailure(name, definition.address, error);
        });
      }
    } catch (error) {
      for (const use of opened) abandon(use);
      throw error;
    }
    return { definitions, uses, opened, tls, via: forwarding.via };
  }

  /** Makes prepared listeners the present ones. Returns those that are gone; they still accept. */
  swap({ definitions, uses, opened, tls, via }: PreparedListeners): ListenerUse[] {
    for (const [name, use] of uses) {
      if (opened.includes(use)) continue;
      const definition = definitions[name]!;
      use.settings = toServerSettings(name, definition, via);
      const { served, text } = tls.get(name)!;
      use.tlsText = text;
      use.listener.settings = toListenerSettings(definition, served);
    }
    for (const [name, use] of uses) this.#giveTicketKeys(name, use.listener);
    const kept = new Set(uses.values());
    const gone = this.present.filter((use) => !kept.has(use));
    this.#uses = uses;
    for (const use of opened) this.#startEarly(use);
    return gone;
  }

  /** Closes what was opened for nothing. */
  abandon({ opened }: PreparedListeners): void {
    for (const use of opened) abandon(use);
  }

  /** What authorities are shown from now on. */
  setChallenges({ tlsAlpn }: AcmeChallenges): void {
    this.#challenges.set(tlsAlpn);
  }

  /** Gives up all listeners, which still accept. */
  takeAll(): ListenerUse[] {
    const { present } = this;
    this.#uses = new Map();
    return present;
  }

  #giveTicketKeys(name: string, { options }: Listener): void {
    const keys = this.#ticketKeys[name];
    if (keys !== undefined) options.tickets.keys = keys;
  }

  #startEarly(use: ListenerUse): void {
    const early = use.early ?? [];
    use.early = undefined;
    for (const accepted of early) this.#options.onConnection(use, accepted);
  }

  /** The listener that has this address now, whatever its name was. */
  #findPresent(name: string, address: SocketAddress): ListenerUse | undefined {
    const wanted = formatAddress(address);
    const hasAddress = ({ listener, boundTo }: ListenerUse) =>
      formatAddress(listener.options.address) === wanted || (boundTo !== undefined && formatAddress(boundTo) === wanted);
    const named = this.#uses.get(name);
    if (named !== undefined && hasAddress(named)) return named;
    // A port that the system chooses belongs to the name that it was chosen for.
    return 'port' in address && address.port === 0 ? undefined : this.present.find(hasAddress);
  }

  #create(
    name: string,
    definition: ListenerConfiguration,
    { tls, via, tickets }: { tls: PreparedTls; via: string; tickets: SessionTickets },
  ): ListenerUse {
    const { clock, logger, sharesPorts, wheel, buffers, connections, onConnection, onHandshakeFailed } = this.#options;
    const refusals = new RefusalLog(logger, clock, 'connection refused');
    const handshakeFailures = new RefusalLog(logger, clock, 'TLS handshake failed');
    const headerRefusals = new RefusalLog(logger, clock, 'PROXY header refused');
    const { address } = definition;
    const listener = new Listener(
      { name, address, sharesPort: sharesPorts, wheel, buffers, challenges: this.#challenges, tickets },
      toListenerSettings(definition, tls.served),
      {
        onConnection: (accepted) => {
          if (use.early === undefined) onConnection(use, accepted);
          else use.early.push(accepted);
        },
        onHandshakeFailed: (clientAddress, reason) => {
          connections.count(use.settings.listener, 'failedHandshakes');
          handshakeFailures.add({ listener: use.settings.listener, clientAddress, reason });
          onHandshakeFailed();
        },
        onChallengeShown: (clientAddress, host) => {
          connections.count(use.settings.listener, 'challenges');
          logger.log('info', 'challenge shown', { listener: use.settings.listener, clientAddress, host });
          onHandshakeFailed();
        },
        onProxyHeaderRefused: (peerAddress, reason) => {
          connections.count(use.settings.listener, 'refusedProxyHeaders');
          headerRefusals.add({ listener: use.settings.listener, peerAddress, reason });
          onHandshakeFailed();
        },
        onRefused: (clientAddress, cap) => {
          connections.count(use.settings.listener, cap === 'listener' ? 'refusedByListener' : 'refusedByAddress');
          refusals.add({ listener: use.settings.listener, clientAddress, cap });
          onHandshakeFailed();
        },
        onListenerError: (error) => logger.log('error', 'listener failed', { listener: use.settings.listener, error }),
      },
    );
    const settings = toServerSettings(name, definition, via);
    const use: ListenerUse = new ListenerUse(listener, settings, tls.text);
    return use;
  }
}

/** Closes a listener that never became the present one, with whoever came early. */
function abandon({ listener, early }: ListenerUse): void {
  listener.stop();
  for (const { makeSocket } of early ?? []) makeSocket({ buffer: Buffer.alloc(1), callback: () => true }).socket.destroy();
}

/**
 * What is the same stays what it is; of other certificates, those that were there before keep what was made of them. Throws
 * where certificates, keys or lists cannot be used, before anything is changed.
 */
function prepareTls(
  name: string,
  definition: ListenerTlsDefinition | undefined,
  { present, tickets }: { readonly present: ListenerUse | undefined; readonly tickets: SessionTickets },
): PreparedTls {
  const text = JSON.stringify(definition ?? null);
  const before = present?.listener.settings.tls;
  if (definition === undefined) return { served: undefined, text };
  if (present?.tlsText === text) return { served: before, text };
  const { protocols } = definition;
  if (definition.certificates.length === 0) return { served: { certificates: undefined, protocols }, text };
  try {
    const certificates = new ServerCertificates(definition, tickets, before?.certificates);
    certificates.check();
    return { served: { certificates, protocols }, text };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`listener \`${name}\`: its certificates cannot be used: ${reason}`, { cause: error });
  }
}

function toListenerSettings(definition: ListenerConfiguration, tls: ListenerTls | undefined): ListenerSettings {
  const { proxyProtocol, tcp, timeouts } = definition;
  const patterns = Object.keys(definition.tls?.passthrough ?? {});
  return {
    caps: toCaps(definition),
    tls,
    handshakeTimeoutMs: timeouts.head,
    proxies: proxyProtocol === undefined ? undefined : compileAddressSet(proxyProtocol.from),
    passthrough: patterns.length === 0 ? undefined : new HostMap(patterns.map((pattern) => [toHost(pattern), pattern])),
    passesBytes: tcp !== undefined,
  };
}

/** In the form in which it is compared; what does not have one has been refused before. */
function toHost(pattern: string): string {
  const reading = readHostPattern(pattern);
  return 'value' in reading ? reading.value.source : pattern;
}

function toScheme({ isSecure, settings }: Listener): ListeningAt['scheme'] {
  if (settings.passesBytes) return isSecure ? 'tls' : 'tcp';
  return isSecure ? 'https' : 'http';
}

function toCaps(definition: ListenerConfiguration): ListenerCaps {
  return {
    connectionsMax: definition.maxConnections,
    connectionsPerAddressMax: definition.maxConnectionsPerClient ?? Number.POSITIVE_INFINITY,
  };
}

function toServerSettings(listener: string, definition: ListenerConfiguration, via: string): ServerSettings {
  const { timeouts, trustedProxies } = definition;
  const trusted = compileAddressSet(trustedProxies);
  return {
    listener,
    decoderLimits: {
      headBytesMax: definition.limits.headBytes,
      fieldCountMax: definition.limits.fieldCount,
      targetBytesMax: limits.targetBytesMax,
      leadingEmptyLinesMax: limits.leadingEmptyLinesMax,
    },
    forwarding: {
      via,
      isTrusted: (address) => trusted.has(address),
      certificateField: definition.tls?.clientCertificates?.forward,
    },
    headTimeoutMs: timeouts.head,
    bodyIdleTimeoutMs: timeouts.bodyIdle,
    keepAliveTimeoutMs: timeouts.keepAlive,
    tunnelIdleMs: timeouts.tunnelIdle,
    lingerMs: timeouts.linger,
    http2: toHttp2Limits(definition),
  };
}

function toHttp2Limits({ http2 }: ListenerConfiguration): Http2Limits | undefined {
  if (http2 === false) return undefined;
  return {
    streamsMax: http2.streams,
    headerListBytesMax: http2.headerListBytes,
    windowBytes: http2.windowBytes,
    connectionWindowBytes: http2.connectionWindowBytes,
    resetsPerMinuteMax: http2.resetsPerMinute,
  };
}
