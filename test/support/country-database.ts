/** Writes small databases of MaxMind's format (https://maxmind.github.io/MaxMind-DB/), since none may be passed on. */
import { parseCidr } from '#base/ip.ts';

/** What a record of the database says. */
type Value = string | number | boolean | readonly Value[] | { readonly [name: string]: Value };

export interface DatabaseOptions {
  readonly ipVersion?: 4 | 6;
  readonly recordBits?: 24 | 28 | 32;
  /** As the databases of MaxMind do, lets 6to4 and mapped addresses lead to those of IPv4. */
  readonly hasAliases?: boolean;
  /** In the place of `{ country: { iso_code } }`. */
  readonly toRecord?: (country: string) => Value;
}

const MARKER = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1');
const SEPARATOR_BYTES = 16;
const IPV6_BITS = 128;
const IPV4_BITS = 32;

/** `undefined`: nothing is known there. */
type Leaf = { readonly country: string } | undefined;
interface Node {
  left: Node | Leaf;
  right: Node | Leaf;
}

const isNode = (child: Node | Leaf): child is Node => child !== undefined && 'left' in child;
const createNode = (): Node => ({ left: undefined, right: undefined });

/** `networks`: country by CIDR. Narrower networks come behind wider ones. */
export function writeCountryDatabase(networks: Readonly<Record<string, string>>, options: DatabaseOptions = {}): Buffer {
  const { ipVersion = 6, recordBits = 28, hasAliases = false, toRecord = toGeoLiteRecord } = options;
  const root = createNode();
  for (const [cidr, country] of Object.entries(networks)) put(root, toBits(cidr, ipVersion), { country });
  if (hasAliases) {
    const ipv4 = descend(root, '0'.repeat(IPV6_BITS - IPV4_BITS));
    for (const bits of ['0'.repeat(80) + '1'.repeat(16), (0x2002).toString(2).padStart(16, '0')]) put(root, bits, ipv4);
  }
  const nodes = listNodes(root);
  const data = new Map<string, number>();
  const records: Buffer[] = [];
  let dataBytes = 0;
  for (const node of nodes.keys())
    for (const child of [node.left, node.right]) {
      if (child === undefined || isNode(child) || data.has(child.country)) continue;
      data.set(child.country, dataBytes);
      const record = encode(toRecord(child.country));
      records.push(record);
      dataBytes += record.length;
    }
  const toPointer = (child: Node | Leaf) => {
    if (child === undefined) return nodes.size;
    return isNode(child) ? nodes.get(child)! : nodes.size + SEPARATOR_BYTES + data.get(child.country)!;
  };
  const tree = [...nodes.keys()].map(({ left, right }) => encodeNode(toPointer(left), toPointer(right), recordBits));
  const metadata = {
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: 1_700_000_000,
    database_type: 'Test-Country',
    description: { en: 'test' },
    ip_version: ipVersion,
    languages: ['en'],
    node_count: nodes.size,
    record_size: recordBits,
  };
  return Buffer.concat([...tree, Buffer.alloc(SEPARATOR_BYTES), ...records, MARKER, encode(metadata)]);
}

function toGeoLiteRecord(country: string): Value {
  return {
    continent: { code: 'EU', names: { en: 'Europe' } },
    country: { geoname_id: 2_658_434, iso_code: country, names: { en: 'Somewhere', de: 'Irgendwo' } },
    registered_country: { iso_code: 'ZZ' },
  };
}

function toBits(cidr: string, ipVersion: 4 | 6): string {
  const range = parseCidr(cidr)!;
  const toText = ({ first, last }: { first: readonly number[]; last: readonly number[] }, width: number) => {
    const write = (parts: readonly number[]) => parts.map((part) => part.toString(2).padStart(width, '0')).join('');
    const [from, to] = [write(first), write(last)];
    let shared = 0;
    while (shared < from.length && from[shared] === to[shared]) shared += 1;
    return from.slice(0, shared);
  };
  if (range.version === 6) return toText(range, 16);
  const bits = toText({ first: [range.first], last: [range.last] }, IPV4_BITS);
  return ipVersion === 4 ? bits : '0'.repeat(IPV6_BITS - IPV4_BITS) + bits;
}

function descend(root: Node, bits: string): Node {
  let node = root;
  for (const bit of bits) {
    const side = bit === '0' ? 'left' : 'right';
    const child = node[side];
    // A wider network is divided.
    const next = isNode(child) ? child : { left: child, right: child };
    node[side] = next;
    node = next;
  }
  return node;
}

function put(root: Node, bits: string, child: Node | Leaf): void {
  descend(root, bits.slice(0, -1))[bits.endsWith('0') ? 'left' : 'right'] = child;
}

function listNodes(root: Node): Map<Node, number> {
  const nodes = new Map<Node, number>([[root, 0]]);
  // Grows while it is walked.
  for (const node of nodes.keys())
    for (const child of [node.left, node.right]) if (isNode(child) && !nodes.has(child)) nodes.set(child, nodes.size);
  return nodes;
}

function encodeNode(left: number, right: number, recordBits: 24 | 28 | 32): Buffer {
  const bytes = Buffer.alloc(recordBits / 4);
  if (recordBits === 32) {
    bytes.writeUInt32BE(left, 0);
    bytes.writeUInt32BE(right, 4);
  } else if (recordBits === 24) {
    bytes.writeUIntBE(left, 0, 3);
    bytes.writeUIntBE(right, 3, 3);
  } else {
    bytes.writeUIntBE(left & 0xffffff, 0, 3);
    bytes.writeUInt8(((left >>> 24) << 4) | (right >>> 24), 3);
    bytes.writeUIntBE(right & 0xffffff, 4, 3);
  }
  return bytes;
}

/** Types by their numbers: 2 text, 6 unsigned of 32 bits, 7 map, and 11 list and 14 boolean as extended ones. */
function encode(value: Value): Buffer {
  if (typeof value === 'string') return Buffer.concat([encodeControl(2, Buffer.byteLength(value)), Buffer.from(value)]);
  if (typeof value === 'boolean') return encodeControl(14, value ? 1 : 0);
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return Buffer.concat([encodeControl(6, 4), bytes]);
  }
  if (Array.isArray(value)) return Buffer.concat([encodeControl(11, value.length), ...(value as Value[]).map(encode)]);
  const entries = Object.entries(value);
  return Buffer.concat([encodeControl(7, entries.length), ...entries.flatMap(([name, item]) => [encode(name), encode(item)])]);
}

/** Sizes up to 284 are all that is needed. */
function encodeControl(type: number, size: number): Buffer {
  const short = Math.min(size, 29);
  const head = type <= 7 ? [(type << 5) | short] : [short, type - 7];
  return Buffer.from(size < 29 ? head : [...head, size - 29]);
}
