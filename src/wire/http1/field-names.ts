/**
 * The fields that mean something to the gateway itself, found in any case by a hash that the parser computes while it
 * checks the bytes, so that no string is made of a name that only passes through.
 */

/** What the parser does with a field besides, or instead of, keeping it. */
export const FieldRole = {
  plain: 0,
  host: 1,
  contentLength: 2,
  transferEncoding: 3,
  connection: 4,
  upgrade: 5,
  expect: 6,
  /** `te`: hop-by-hop, but `te: trailers` is said anew to upstreams. */
  te: 7,
  /** Hop-by-hop by definition: dropped. */
  hopByHop: 8,
  keepAlive: 9,
  /** From here on: kept among the fields, and noticed. */
  firstKept: 10,
  /** Says where a request came from: looked at before it is forwarded. */
  forwarding: 10,
  date: 11,
  /** The service knows by it what it has done already. */
  idempotencyKey: 12,
} as const;
export type FieldRole = (typeof FieldRole)[keyof typeof FieldRole];

const roles: Readonly<Record<string, FieldRole>> = {
  host: FieldRole.host,
  'content-length': FieldRole.contentLength,
  'transfer-encoding': FieldRole.transferEncoding,
  connection: FieldRole.connection,
  upgrade: FieldRole.upgrade,
  expect: FieldRole.expect,
  te: FieldRole.te,
  'keep-alive': FieldRole.keepAlive,
  'proxy-connection': FieldRole.hopByHop,
  // RFC 9110 §11.7.1: meant for the first proxy that asks, which a gateway never does.
  'proxy-authorization': FieldRole.hopByHop,
  'x-forwarded-for': FieldRole.forwarding,
  'x-forwarded-proto': FieldRole.forwarding,
  'x-forwarded-host': FieldRole.forwarding,
  'x-forwarded-port': FieldRole.forwarding,
  'x-real-ip': FieldRole.forwarding,
  forwarded: FieldRole.forwarding,
  via: FieldRole.forwarding,
  'x-request-id': FieldRole.forwarding,
  'client-cert': FieldRole.forwarding,
  'client-cert-chain': FieldRole.forwarding,
  'x-forwarded-client-cert': FieldRole.forwarding,
  // For the gateway alone: it would show whoever sees it how requests are handled.
  'gatehouse-debug': FieldRole.forwarding,
  'gatehouse-debug-answer': FieldRole.forwarding,
  date: FieldRole.date,
  'idempotency-key': FieldRole.idempotencyKey,
};

/** Whether a lower-case name is of a field that says where a request came from. */
export function isForwardingName(name: string): boolean {
  return roles[name] === FieldRole.forwarding;
}

/** Whether a lower-case name is of a field that is neither about framing nor about one connection. */
export function isKeptName(name: string): boolean {
  const role = Object.hasOwn(roles, name) ? roles[name]! : FieldRole.plain;
  return role === FieldRole.plain || role >= FieldRole.firstKept;
}

interface KnownField {
  readonly name: string;
  readonly hash: number;
  readonly role: FieldRole;
}

const TABLE_SIZE = 256;
const table: (KnownField | undefined)[] = new Array(TABLE_SIZE).fill(undefined);

/** One step of the hash that the parser computes over the lower-case bytes of a name. */
export function hashStep(hash: number, loweredCode: number): number {
  return (Math.imul(hash, 31) + loweredCode) | 0;
}

for (const name of Object.keys(roles)) {
  let hash = 0;
  for (let i = 0; i < name.length; i++) hash = hashStep(hash, name.charCodeAt(i));
  let slot = hash & (TABLE_SIZE - 1);
  while (table[slot] !== undefined) slot = (slot + 1) & (TABLE_SIZE - 1);
  table[slot] = Object.freeze({ name, hash, role: roles[name]! });
}

/**
 * The role of the field that the bytes from `start` to `end` name in any case. The hash only leads to a candidate: names
 * come from outside, so the characters are always compared.
 */
export function findRole(hash: number, bytes: Uint8Array, start: number, end: number): FieldRole {
  for (let slot = hash & (TABLE_SIZE - 1); ; slot = (slot + 1) & (TABLE_SIZE - 1)) {
    const known = table[slot];
    if (known === undefined) return FieldRole.plain;
    if (known.hash === hash && spells(known.name, bytes, start, end)) return known.role;
  }
}

function spells(name: string, bytes: Uint8Array, start: number, end: number): boolean {
  if (name.length !== end - start) return false;
  for (let i = 0; i < name.length; i++) {
    const code = bytes[start + i]!;
    const lower = code >= 65 && code <= 90 ? code + 32 : code;
    if (lower !== name.charCodeAt(i)) return false;
  }
  return true;
}
