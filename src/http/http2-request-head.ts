/**
 * The head of a request as HTTP/2 tells it, checked as RFC 9113 §8 asks. What is malformed here is reset; what could be
 * answered is refused later, as the same would be over HTTP/1. All input is attacker-controlled.
 */
import { isForwardingName } from '#wire/http1/field-names.ts';
import { isTokenOctet } from '#wire/http1/octets.ts';
import type { HeadFacts } from './client-facts.ts';
import { isName, isNumber, isValue } from './http2-fields.ts';

const COLON = 58;

export class Http2RequestHead implements HeadFacts {
  readonly version = '2.0';
  readonly fields: string[] = [];
  /** The client has not ended its stream with the head. */
  readonly hasBody: boolean;
  /** Empty: not given, as the others. */
  method = '';
  scheme = '';
  authority: string | undefined = undefined;
  path = '';
  /** RFC 8441: what a CONNECT is for. */
  protocol: string | undefined = undefined;
  host: string | undefined = undefined;
  contentLengthBytes = -1;
  expect: string | undefined = undefined;
  acceptsTrailers = false;
  hasForwardingFields = false;
  #cookieAt = -1;

  constructor(hasBody: boolean) {
    this.hasBody = hasBody;
  }

  /** Takes names and values, alternating. False: they are malformed (RFC 9113 §8.1.1). */
  read(list: readonly string[]): boolean {
    let at = 0;
    for (; at < list.length && list[at]!.charCodeAt(0) === COLON; at += 2) {
      if (!this.#takePseudo(list[at]!, list[at + 1]!)) return false;
    }
    for (; at < list.length; at += 2) {
      if (!isName(list[at]!) || !isValue(list[at + 1]!) || !this.#take(list[at]!, list[at + 1]!)) return false;
    }
    return this.#isComplete();
  }

  /** RFC 9113 §8.3.1. None comes twice, and none that is not of requests. */
  #takePseudo(name: string, value: string): boolean {
    if (!isValue(value)) return false;
    switch (name) {
      case ':method':
        if (this.method !== '' || !isToken(value)) return false;
        this.method = value;
        return true;
      case ':scheme':
        if (this.scheme !== '' || !isToken(value)) return false;
        this.scheme = value;
        return true;
      case ':authority':
        // User information is deprecated, and used to deceive.
        if (this.authority !== undefined || value.indexOf('@') >= 0) return false;
        this.authority = value;
        return true;
      case ':path':
        if (this.path !== '' || value === '') return false;
        this.path = value;
        return true;
      case ':protocol':
        if (this.protocol !== undefined || !isToken(value)) return false;
        this.protocol = value;
        return true;
      default:
        return false;
    }
  }

  #take(name: string, value: string): boolean {
    switch (name) {
      case 'host':
        if (this.host !== undefined) return false;
        this.host = value;
        return true;
      case 'content-length':
        if (this.contentLengthBytes >= 0 || !isNumber(value)) return false;
        this.contentLengthBytes = Number(value);
        return true;
      case 'te':
        this.acceptsTrailers = value.toLowerCase() === 'trailers';
        return this.acceptsTrailers;
      // RFC 9113 §8.2.2: what belongs to a connection of HTTP/1.
      case 'connection':
      case 'keep-alive':
      case 'proxy-connection':
      case 'transfer-encoding':
      case 'upgrade':
        return false;
      case 'expect':
        this.expect = value;
        return true;
      // RFC 9110 §11.7.1: meant for the first proxy that asks, which a gateway never does.
      case 'proxy-authorization':
      // RFC 9113 §3.1: of a connection of HTTP/1 too, although not among those that are errors.
      case 'http2-settings':
        return true;
      case 'cookie':
        this.#takeCookie(value);
        return true;
      default:
        if (isForwardingName(name)) this.hasForwardingFields = true;
        this.fields.push(name, value);
        return true;
    }
  }

  /** RFC 9113 §8.2.3: pieces of one field, which is whole again for whoever does not speak HTTP/2. */
  #takeCookie(value: string): void {
    if (this.#cookieAt >= 0) {
      this.fields[this.#cookieAt] += `; ${value}`;
      return;
    }
    this.#cookieAt = this.fields.length + 1;
    this.fields.push('cookie', value);
  }

  #isComplete(): boolean {
    const { method, scheme, path, authority, host, protocol } = this;
    if (method === '' || (authority === undefined && host === undefined)) return false;
    // A length without the data.
    if (!this.hasBody && this.contentLengthBytes > 0) return false;
    // RFC 9113 §8.5: CONNECT is for an authority alone. RFC 8441 §4: with a protocol it is like any other.
    if (method === 'CONNECT' && protocol === undefined) return scheme === '' && path === '' && authority !== undefined;
    return scheme !== '' && path !== '' && (protocol === undefined || method === 'CONNECT');
  }
}

function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (!isTokenOctet(text.charCodeAt(i))) return false;
  return text !== '';
}
