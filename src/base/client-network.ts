/** What one client is given to send from: an address of IPv4, and a whole network of IPv6. */
import { IPV6_GROUPS, isMappedIpv4, parseIpv6, toMappedIpv4 } from './ip.ts';

/** What one client is given at home: the groups of a /64. */
const NETWORK_GROUPS = 4;

export class ClientNetworks {
  readonly #groups = new Uint16Array(IPV6_GROUPS);

  /** The same text for all addresses of one client: it has as many of IPv6 as it likes. */
  find(address: string): string {
    const groups = this.#groups;
    if (!address.includes(':') || !parseIpv6(address, groups)) return address;
    if (isMappedIpv4(groups)) return formatIpv4(toMappedIpv4(groups));
    let network = '';
    for (let i = 0; i < NETWORK_GROUPS; i++) network += `${groups[i]!.toString(16)}:`;
    return `${network}:/64`;
  }
}

function formatIpv4(address: number): string {
  return `${address >>> 24}.${(address >>> 16) & 0xff}.${(address >>> 8) & 0xff}.${address & 0xff}`;
}
