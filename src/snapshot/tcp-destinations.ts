import type { ListenerConfiguration } from '#config/configuration.ts';
import type { TcpDestination } from '#forward/tcp-connection.ts';
import { WeightedRotation } from '#services/balancing/weighted-rotation.ts';
import type { Service } from '#services/service.ts';
import type { SettingsOfConfiguration } from './arrived-configuration.ts';

/** What stands for the listener itself among the patterns of its hosts. */
const WHOLE_LISTENER = '';

/** Where the bytes of connections go that nobody reads: by listener, and by the pattern of a host that is passed through. */
export class TcpDestinations {
  readonly #byListener: ReadonlyMap<string, ReadonlyMap<string, TcpDestination>>;

  constructor({ listeners }: SettingsOfConfiguration, services: ReadonlyMap<string, Service>) {
    this.#byListener = new Map(
      Object.entries(listeners).map(([name, listener]) => [name, new Map(listDestinations(listener, services))]),
    );
  }

  find(listener: string, pattern: string = WHOLE_LISTENER): TcpDestination | undefined {
    return this.#byListener.get(listener)?.get(pattern);
  }
}

function* listDestinations(
  { tcp, tls, timeouts }: ListenerConfiguration,
  services: ReadonlyMap<string, Service>,
): Generator<[pattern: string, destination: TcpDestination]> {
  const rotate = (to: NonNullable<ListenerConfiguration['tcp']>['to']) =>
    new WeightedRotation(to.services.map(({ service, weight }) => ({ service: services.get(service)!, weight })));
  if (tcp !== undefined) yield [WHOLE_LISTENER, { services: rotate(tcp.to), idleMs: tcp.idle }];
  for (const [pattern, to] of Object.entries(tls?.passthrough ?? {})) {
    yield [pattern, { services: rotate(to), idleMs: timeouts.tunnelIdle }];
  }
}
