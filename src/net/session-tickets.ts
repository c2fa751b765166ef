/**
 * The keys of the session tickets of one listener. A context of Node's knows one key; for a second one there is a callback that
 * Node has for a test of its own and does not document (docs/decisions/0016-previous-ticket-key.md). It is asked within the
 * handshake, for each ticket that is made or read.
 */
import type { SecureContext } from 'node:tls';

/** Of 16 bytes each: what names the key in a ticket, what seals the ticket, and what encrypts it. */
interface TicketKey {
  readonly name: Buffer;
  readonly hmac: Buffer;
  readonly aes: Buffer;
}

/** What is made of keys and given to other threads. */
export interface TicketKeyPair {
  /** New tickets are made with it. */
  readonly present: Uint8Array;
  /** Tickets of the key before count as well; `undefined`: there was none. */
  readonly previous: Uint8Array | undefined;
}

const PART_BYTES = 16;
const BLOCKS_AT_ONCE = 128;
export const TICKET_KEY_BYTES = 3 * PART_BYTES;

/** What becomes of the ticket, the keys, and for a new ticket the name of the key and the first block. */
type TicketAnswer = readonly [number, Buffer, Buffer] | readonly [number, Buffer, Buffer, Buffer, Buffer];

interface NativeContext {
  enableTicketKeyCallback(): void;
  onticketkeycallback: (name: Buffer, firstBlock: Buffer, isNew: boolean) => TicketAnswer;
}

const UNKNOWN = 0;
const MADE = 1;
const READ_AND_RENEWED = 2;

export class SessionTickets {
  #present: TicketKey = toTicketKey(crypto.getRandomValues(Buffer.allocUnsafe(TICKET_KEY_BYTES)));
  #previous: TicketKey | undefined = undefined;
  readonly #firstBlocks = new FirstBlocks();
  readonly #answer = (name: Buffer, _firstBlock: Buffer, isNew: boolean): TicketAnswer => {
    if (isNew) return [MADE, this.#present.hmac, this.#present.aes, this.#present.name, this.#firstBlocks.take()];
    const key = this.#find(name);
    // Node takes a refusal only with keys beside it; without them it ends the handshake.
    if (key === undefined) return [UNKNOWN, this.#present.hmac, this.#present.aes];
    // RFC 8446 §C.4: a client should use a ticket once, so it needs another one. OpenSSL does the same by itself.
    return [READ_AND_RENEWED, key.hmac, key.aes];
  };

  /** From now on tickets of these keys count, and no others. */
  set keys({ present, previous }: TicketKeyPair) {
    this.#present = toTicketKey(present);
    this.#previous = previous === undefined ? undefined : toTicketKey(previous);
  }

  /** The context makes and reads tickets with the keys that are the present ones at the time. */
  serve(context: SecureContext): void {
    const native = context.context as NativeContext;
    native.onticketkeycallback = this.#answer;
    native.enableTicketKeyCallback();
  }

  #find(name: Buffer): TicketKey | undefined {
    if (name.equals(this.#present.name)) return this.#present;
    return this.#previous !== undefined && name.equals(this.#previous.name) ? this.#previous : undefined;
  }
}

/**
 * First blocks of tickets, each for one. They are drawn together, because drawing one takes a hundredth of a handshake; and
 * without `node:crypto`, which takes longer to load than a start without TLS has.
 */
class FirstBlocks {
  readonly #bytes = Buffer.allocUnsafe(BLOCKS_AT_ONCE * PART_BYTES);
  readonly #blocks = Array.from({ length: BLOCKS_AT_ONCE }, (_, place) =>
    this.#bytes.subarray(place * PART_BYTES, (place + 1) * PART_BYTES),
  );
  #taken = BLOCKS_AT_ONCE;

  /** Holds until all the others have been taken. */
  take(): Buffer {
    if (this.#taken === BLOCKS_AT_ONCE) {
      crypto.getRandomValues(this.#bytes);
      this.#taken = 0;
    }
    this.#taken += 1;
    return this.#blocks[this.#taken - 1]!;
  }
}

function toTicketKey(bytes: Uint8Array): TicketKey {
  const key = Buffer.from(bytes);
  return {
    name: key.subarray(0, PART_BYTES),
    hmac: key.subarray(PART_BYTES, 2 * PART_BYTES),
    aes: key.subarray(2 * PART_BYTES, TICKET_KEY_BYTES),
  };
}
