/**
 * Turns addresses that a service writes into those that its clients know. A service names itself by the host that it was asked
 * for, or by its own; and paths as it sees them, which the gateway may have changed on the way.
 */
import { movePrefix } from './set-cookies.ts';

/** How the service was asked, and the client asked. */
export interface AskedAddresses {
  readonly scheme: string;
  readonly authority: string;
  readonly path: string;
  /** What the service was sent. */
  readonly serviceAuthority: string;
  readonly servicePath: string;
  /** Of the endpoint, with scheme and port. */
  readonly endpointUrl: string | undefined;
}

const ABSOLUTE = /^(?:(https?):)?\/\/([^/?#]+)/i;
const LINK_TARGET = /<([^<>]*)>/g;
const REFRESH_TARGET = /^(\s*[\d.]+\s*[;,]\s*(?:url\s*=\s*)?)(["']?)([^"']*)\2(.*)$/is;
const DEFAULT_PORT = /:(?:80|443)$/;

/** In place. `replace`: beginnings of addresses and what stands in their place, the longest first. */
export function rewriteAddresses(fields: string[], asked: AskedAddresses, replace: readonly (readonly [string, string])[]): void {
  for (let i = 0; i < fields.length; i += 2) {
    const value = fields[i + 1]!;
    switch (fields[i]) {
      case 'location':
      case 'content-location':
        fields[i + 1] = toPublicAddress(value, asked, replace);
        break;
      case 'link':
        fields[i + 1] = value.replace(LINK_TARGET, (_, target: string) => `<${toPublicAddress(target, asked, replace)}>`);
        break;
      case 'refresh':
        fields[i + 1] = rewriteRefresh(value, (target) => toPublicAddress(target, asked, replace));
        break;
      default:
    }
  }
}

function rewriteRefresh(value: string, rewrite: (target: string) => string): string {
  const match = REFRESH_TARGET.exec(value);
  return match === null ? value : `${match[1]}${match[2]}${rewrite(match[3]!)}${match[2]}${match[4]}`;
}

/** What is not an address of the service stays as it is; so does what is relative to the address that was asked for. */
function toPublicAddress(address: string, asked: AskedAddresses, replace: readonly (readonly [string, string])[]): string {
  for (const [from, to] of replace) {
    const moved = movePrefix(address, from, to);
    if (moved !== undefined) return moved;
  }
  const absolute = ABSOLUTE.exec(address);
  if (absolute === null) return address.startsWith('/') ? toPublicPath(address, asked) : address;
  const [start, , authority = ''] = absolute;
  if (!isOfService(authority, asked)) return address;
  return `${asked.scheme}://${asked.authority}${toPublicPath(address.slice(start.length), asked)}`;
}

function isOfService(authority: string, { serviceAuthority, endpointUrl }: AskedAddresses): boolean {
  const named = toComparable(authority);
  if (named === toComparable(serviceAuthority)) return true;
  const endpoint = endpointUrl === undefined ? null : ABSOLUTE.exec(endpointUrl);
  return endpoint !== null && named === toComparable(endpoint[2]!);
}

function toComparable(authority: string): string {
  return authority.toLowerCase().replace(DEFAULT_PORT, '');
}

/** The beginnings by which the two paths differ are exchanged: what follows is what they have in common at their ends. */
function toPublicPath(pathAndMore: string, { path, servicePath }: AskedAddresses): string {
  const end = pathAndMore.search(/[?#]/);
  const ownPath = end < 0 ? pathAndMore : pathAndMore.slice(0, end);
  const more = end < 0 ? '' : pathAndMore.slice(end);
  const common = findCommonEnd(path, servicePath);
  const from = servicePath.slice(0, servicePath.length - common);
  const to = path.slice(0, path.length - common);
  if (from === to) return pathAndMore;
  return (movePrefix(ownPath === '' ? '/' : ownPath, from === '' ? '/' : from, to === '' ? '/' : to) ?? ownPath) + more;
}

/** In whole segments, and at least one of them in length: how many characters both end with. */
function findCommonEnd(one: string, other: string): number {
  let common = 0;
  let length = 0;
  while (length < one.length && length < other.length) {
    const character = one[one.length - 1 - length];
    if (character !== other[other.length - 1 - length]) break;
    length += 1;
    if (character === '/') common = length;
  }
  return common;
}
