/**
 * The beginning of a connection whose first bytes say where it comes from (PROXY protocol) or where it wants to go (the
 * ClientHello of TLS). Made only on listeners that ask for one of them. Every byte may be an attacker's.
 */
import type { Socket } from 'node:net';
import type { TimerWheel } from '#base/timer-wheel.ts';
import { type ClientHello, ClientHelloReader } from '#wire/client-hello/client-hello.ts';
import { helloFaults } from '#wire/client-hello/faults.ts';
import { readProxyHeader } from '#wire/proxy-protocol/decode.ts';
import { proxyFaults } from '#wire/proxy-protocol/faults.ts';
import type { ProxyHeader } from '#wire/proxy-protocol/header.ts';
import { FirstBytes, type FirstBytesReader } from './first-bytes.ts';

export interface Opened {
  readonly proxyHeader: ProxyHeader | undefined;
  /** `undefined` where nobody asked for it, or what came is none: then whoever speaks TLS says so to the client. */
  readonly hello: ClientHello | undefined;
  /** What came behind the PROXY header: to be read before anything else. */
  readonly bytes: Buffer;
}

/** What was waited for when a connection ended. */
export type OpeningStage = 'proxy-header' | 'client-hello';

export interface OpeningOwner {
  onOpened(opened: Opened): void;
  /** The socket is closed. */
  onNotOpened(stage: OpeningStage, reason: string): void;
}

export interface OpeningWants {
  readonly proxyHeader: boolean;
  readonly hello: boolean;
}

export class Opening implements FirstBytesReader {
  readonly #owner: OpeningOwner;
  readonly #wantsHello: boolean;
  readonly #first: FirstBytes;
  #wantsHeader: boolean;
  #proxyHeader: ProxyHeader | undefined = undefined;
  /** Where the bytes behind the PROXY header begin. */
  #start = 0;
  #helloReader: ClientHelloReader | undefined = undefined;
  #hello: ClientHello | undefined = undefined;

  constructor(
    socket: Socket,
    wants: OpeningWants,
    timing: { readonly wheel: TimerWheel; readonly timeoutMs: number },
    owner: OpeningOwner,
  ) {
    this.#owner = owner;
    this.#wantsHeader = wants.proxyHeader;
    this.#wantsHello = wants.hello;
    this.#first = new FirstBytes(socket, this, timing);
  }

  /** Ends the connection. */
  close(reason: string): void {
    this.#first.close();
    this.#owner.onNotOpened(this.#wantsHeader ? 'proxy-header' : 'client-hello', reason);
  }

  isEnough(bytes: Buffer, end: number): boolean {
    return this.#readHeader(bytes, end) && this.#readHello(bytes.subarray(this.#start), end - this.#start);
  }

  onEnough(bytes: Buffer): void {
    this.#owner.onOpened({
      proxyHeader: this.#proxyHeader,
      hello: this.#hello,
      bytes: bytes.subarray(this.#start),
    });
  }

  onNoMore(reason: 'closed' | 'timeout'): void {
    this.close(reason === 'timeout' ? 'the client took too long' : 'the client has gone');
  }

  #readHeader(bytes: Buffer, end: number): boolean {
    if (!this.#wantsHeader) return true;
    const reading = readProxyHeader(bytes, end);
    if (reading.kind === 'more') return false;
    if (reading.kind === 'fault') {
      this.close(proxyFaults[reading.fault]);
      return false;
    }
    this.#wantsHeader = false;
    this.#proxyHeader = reading.header;
    this.#start = reading.byteLength;
    return true;
  }

  #readHello(bytes: Buffer, end: number): boolean {
    if (!this.#wantsHello) return true;
    this.#helloReader ??= new ClientHelloReader();
    const reading = this.#helloReader.read(bytes, end);
    if (reading.kind === 'hello') this.#hello = reading.hello;
    // Whoever would have to read the rest has no use for it either.
    if (reading.kind === 'fault' && reading.fault === 'tooLong') {
      this.close(helloFaults.tooLong);
      return false;
    }
    return reading.kind !== 'more';
  }
}
