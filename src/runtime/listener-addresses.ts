/** Where listeners listen: the ports that a configuration leaves open are chosen here, the same for all threads. */
import type { Configuration } from '#config/configuration.ts';
import { formatAddress, type SocketAddress } from '#net/address.ts';
import { ListenFailure } from './listen-failure.ts';
import type { ListeningAt } from './listener-set.ts';
import { isSamePort, probeAddress } from './port-probe.ts';

/** The address of one listener: as it is written, and with the port that was chosen for it. */
interface SettledAddress {
  readonly written: SocketAddress;
  readonly settled: SocketAddress;
}

/** By the name of the listener. */
export type SettledAddresses = ReadonlyMap<string, SettledAddress>;

export const noAddresses: SettledAddresses = new Map();

export class ListenerAddresses {
  #present: SettledAddresses = noAddresses;

  /**
   * Every listener's address is free or ours already; rejects where one is not. `systemChooses`: one thread alone lets the
   * system choose its port when it listens.
   */
  async settle({ listeners }: Configuration, systemChooses: boolean): Promise<SettledAddresses> {
    const settled = new Map<string, SettledAddress>();
    const ours = [...this.#present.values()];
    for (const [name, { address: written }] of Object.entries(listeners)) {
      const before = this.#present.get(name);
      if (before !== undefined && formatAddress(before.written) === formatAddress(written)) settled.set(name, before);
      // On a port of our own we listen beside ourselves until the listener before it is closed.
      else if (ours.some((other) => isSamePort(other.settled, written))) settled.set(name, { written, settled: written });
      else settled.set(name, { written, settled: await findAddress(name, written, systemChooses) });
    }
    return settled;
  }

  /** They are in use now. Where the system chose, the port is known once a listener listens. */
  commit(settled: SettledAddresses, listening: readonly ListeningAt[]): void {
    const bound = new Map(listening.map(({ name, address }) => [name, address]));
    this.#present = new Map([...settled].map(([name, { written }]) => [name, { written, settled: bound.get(name) ?? written }]));
  }

  clear(): void {
    this.#present = noAddresses;
  }
}

/** The configuration with the addresses that were chosen. */
export function withAddresses(configuration: Configuration, settled: SettledAddresses): Configuration {
  const listeners = Object.entries(configuration.listeners).map(([name, listener]) => {
    const address = settled.get(name)?.settled;
    return [name, address === undefined ? listener : { ...listener, address }] as const;
  });
  return { ...configuration, listeners: Object.fromEntries(listeners) };
}

async function findAddress(name: string, written: SocketAddress, systemChooses: boolean): Promise<SocketAddress> {
  if (systemChooses && 'port' in written && written.port === 0) return written;
  try {
    return await probeAddress(written);
  } catch (error) {
    throw new ListenFailure(name, written, error);
  }
}
