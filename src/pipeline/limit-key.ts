/** Whose requests are counted together. Everything that is read here is the client's choice, except its address. */
import { ClientNetworks } from '#base/client-network.ts';
import { readClaimText } from '#http/claims.ts';
import type { LimitKey } from '#schema/limit-key.ts';
import { findCookie } from '#wire/fields/cookies.ts';
import type { KeyedRequest } from './policy.ts';

/** Stands for what a request does not have, which no field or path can hold. Requests without it are counted together. */
const ABSENT = '\u0000';
/** Between the parts of a key; no part holds one. */
const SEPARATOR = '\n';

export class LimitKeyReader {
  readonly #parts: readonly LimitKey[];
  readonly #networks = new ClientNetworks();

  constructor(parts: readonly LimitKey[]) {
    this.#parts = parts;
  }

  read(request: KeyedRequest): string {
    const parts = this.#parts;
    let key = this.#readPart(parts[0]!, request);
    for (let i = 1; i < parts.length; i++) key += SEPARATOR + this.#readPart(parts[i]!, request);
    return key;
  }

  /** For people. */
  describe(request: KeyedRequest): string {
    return this.#parts
      .map((part) => {
        const value = this.#readPart(part, request);
        return `${formatLimitKey(part)} ${value === ABSENT ? '(none)' : value}`;
      })
      .join(', ');
  }

  #readPart(part: LimitKey, request: KeyedRequest): string {
    switch (part.kind) {
      case 'ip':
        return this.#networks.find(request.request.clientAddress);
      case 'consumer':
        return request.consumer?.name ?? ABSENT;
      case 'route':
        return request.plan?.routeName ?? ABSENT;
      case 'header':
        return request.field(part.name) ?? ABSENT;
      case 'cookie':
        return findCookie(request.request.fields, part.name) ?? ABSENT;
      case 'path':
        return request.captures[request.captureNames.indexOf(part.name)] ?? ABSENT;
      case 'claim':
        return toKeyPart(readClaimText(request.consumer?.claims, part.name) ?? ABSENT);
      default:
        return part satisfies never;
    }
  }
}

/** Unlike fields and paths, a claim may hold what separates parts. */
function toKeyPart(claim: string): string {
  return claim.includes(SEPARATOR) ? encodeURIComponent(claim.toWellFormed()) : claim;
}

/** What clients send may be a secret that shows who they are. */
export function isSecretKey({ kind }: LimitKey): boolean {
  return kind === 'header' || kind === 'cookie';
}

/** As a configuration says it. */
export function formatLimitKey(key: LimitKey): string {
  return 'name' in key ? `${key.kind}.${key.name}` : key.kind;
}
