/** Values by host pattern: `shop.example.com`, or `*.example.com` for every name below `example.com`. */

export interface HostMatch<Value> {
  readonly value: Value;
  /** The more of a name the pattern says, the greater; see `HOST_RANK_EXACT`. */
  readonly rank: number;
}

/** The rank of a pattern that is the name itself. */
export const HOST_RANK_EXACT: number = Number.POSITIVE_INFINITY;
/** RFC 1035 §2.3.4. What is longer is no name, and must not make us look long. */
const NAME_LENGTH_MAX = 255;

export class HostMap<Value> {
  readonly #values: ReadonlyMap<string, Value>;

  /** Patterns in lower case. */
  constructor(values: Iterable<readonly [pattern: string, value: Value]>) {
    this.#values = new Map(values);
  }

  /** The most specific pattern of a host in lower case: the name itself, or else the longest wildcard. */
  find(host: string): HostMatch<Value> | undefined {
    if (host.length > NAME_LENGTH_MAX) return undefined;
    const exact = this.#values.get(host);
    if (exact !== undefined) return { value: exact, rank: HOST_RANK_EXACT };
    for (let dot = host.indexOf('.'); dot >= 0; dot = host.indexOf('.', dot + 1)) {
      const value = this.#values.get(`*${host.slice(dot)}`);
      if (value !== undefined) return { value, rank: host.length - dot };
    }
    return undefined;
  }
}
