import { encodeFields } from './encode.ts';
import type { Fault } from './faults.ts';
import { FieldRole, findRole, hashStep, isForwardingName } from './field-names.ts';
import type { HeadSource } from './head-source.ts';
import { COLON, CR, isValueOctet, LF, loweredToken, SPACE, TAB } from './octets.ts';

const ZERO = 48;

/**
 * What request and response heads share: the end-to-end fields, and what the connection-level ones said. All text is
 * attacker-controlled; what is kept has been checked byte for byte and can be written out again as it is.
 *
 * Most messages are passed on with their fields as they came, so the fields are kept as text first, and made into a list
 * only when somebody looks.
 */
export class MessageHead {
  /**
   * What is kept: the start line if `startChars` says so, and the field lines that go on to the other side, each with its
   * CRLF, with one space behind the colon and none at the end. A Host or Content-Length that was written like that is
   * among them, so that a message which nobody changes goes on as one piece.
   */
  text = '';
  /** Length of the start line in `text`; 0 when it is not there. */
  startChars = 0;
  /** Where Host stands in `text`; -1: it does not. */
  hostStart = -1;
  hostEnd = -1;
  /** The same of Content-Length. */
  lengthStart = -1;
  lengthEnd = -1;
  #fields: string[] | undefined = undefined;
  /** The head before it on the connection, if that had the same field lines. */
  #twin: MessageHead | undefined = undefined;
  /** What heads that say the same are given copies of. */
  #listed: readonly string[] | undefined = undefined;
  minorVersion = 1;
  /** -1: not given. */
  contentLengthBytes = -1;
  isChunked = false;
  saysClose = false;
  saysKeepAlive = false;
  /** Lower-case field names that `Connection` lists beyond the well-known: hop-by-hop by this peer's word (RFC 9110 §7.6.1). */
  connectionNames: string[] | undefined = undefined;
  saysUpgrade = false;
  /** Value of `Upgrade`. */
  upgrade: string | undefined = undefined;
  acceptsTrailers = false;
  /** Value of `Keep-Alive`. */
  keepAlive: string | undefined = undefined;
  hasForwardingFields = false;
  hasDate = false;
  hasIdempotencyKey = false;
  host: string | undefined = undefined;
  expect: string | undefined = undefined;

  /** The end-to-end field lines. */
  get fieldText(): string {
    const { text, startChars, hostStart, hostEnd, lengthStart, lengthEnd } = this;
    if (hostStart < 0 && lengthStart < 0) return startChars === 0 ? text : text.substring(startChars);
    if (lengthStart < 0) return text.substring(startChars, hostStart) + text.substring(hostEnd);
    if (hostStart < 0) return text.substring(startChars, lengthStart) + text.substring(lengthEnd);
    return hostStart < lengthStart
      ? text.substring(startChars, hostStart) + text.substring(hostEnd, lengthStart) + text.substring(lengthEnd)
      : text.substring(startChars, lengthStart) + text.substring(lengthEnd, hostStart) + text.substring(hostEnd);
  }

  /** Start line, Host, Content-Length and the end-to-end fields as they came, where all of them could be kept. */
  get messageText(): string | undefined {
    const isWhole =
      this.startChars > 0 &&
      (this.host === undefined) === this.hostStart < 0 &&
      this.contentLengthBytes < 0 === this.lengthStart < 0;
    return isWhole ? this.text : undefined;
  }

  /** End-to-end fields: lower-case names and values, alternating. Fields that rule the connection or the framing are above instead. */
  get fields(): string[] {
    this.#fields ??= this.#twin === undefined ? toFieldList(this.fieldText) : this.#twin.#copyFields();
    return this.#fields;
  }

  set fields(fields: string[]) {
    // Heads that say the same as this one said do so still.
    this.#listed ??= toFieldList(this.fieldText);
    this.#fields = fields;
    this.#twin = undefined;
    this.text = encodeFields(fields);
    this.startChars = 0;
    this.hostStart = -1;
    this.lengthStart = -1;
  }

  /** Its list is read once for all: copying is cheaper, and who looks a value up in a map finds the hash of its text known. */
  #copyFields(): string[] {
    this.#listed ??= toFieldList(this.fieldText);
    return this.#listed.slice();
  }

  /** Takes over what the same field lines behind another start line meant. */
  takeFields(other: MessageHead): void {
    this.#twin = other;
    const shift = this.startChars - other.startChars;
    this.hostStart = other.hostStart < 0 ? -1 : other.hostStart + shift;
    this.hostEnd = other.hostEnd + shift;
    this.lengthStart = other.lengthStart < 0 ? -1 : other.lengthStart + shift;
    this.lengthEnd = other.lengthEnd + shift;
    this.contentLengthBytes = other.contentLengthBytes;
    this.isChunked = other.isChunked;
    this.saysClose = other.saysClose;
    this.saysKeepAlive = other.saysKeepAlive;
    this.saysUpgrade = other.saysUpgrade;
    this.upgrade = other.upgrade;
    this.acceptsTrailers = other.acceptsTrailers;
    this.keepAlive = other.keepAlive;
    this.hasForwardingFields = other.hasForwardingFields;
    this.hasDate = other.hasDate;
    this.hasIdempotencyKey = other.hasIdempotencyKey;
    this.host = other.host;
    this.expect = other.expect;
  }

  /** RFC 9112 §9.3. */
  get allowsReuse(): boolean {
    return this.minorVersion === 1 ? !this.saysClose : this.saysKeepAlive && !this.saysClose;
  }
}

/** The list form of checked field lines. */
function toFieldList(text: string): string[] {
  const fields: string[] = [];
  for (let start = 0; start < text.length; ) {
    const colon = text.indexOf(':', start);
    const end = text.indexOf('\r\n', colon);
    fields.push(text.substring(start, colon).toLowerCase(), text.substring(colon + 2, end));
    start = end + 2;
  }
  return fields;
}

/**
 * Reads the field lines from `position` of the text on. Runs of lines that can be kept as they are become one piece of
 * text; the first begins with the start line where `startChars` has been set.
 */
export function readFields(head: MessageHead, source: HeadSource, position: number, fieldCountMax: number): Fault | undefined {
  const { text, bytes, base, end } = source;
  const last = base + end;
  let count = 0;
  let at = base + position;
  let runStart = at - head.startChars;
  while (at < last) {
    if (++count > fieldCountMax) return 'tooManyFields';
    const nameStart = at;
    let hash = 0;
    let lower = loweredToken[bytes[at]!]!;
    // Also ends behind the bytes, where there is none.
    while (lower > 0) {
      hash = hashStep(hash, lower);
      lower = loweredToken[bytes[++at]!]!;
    }
    if (bytes[at] !== COLON || at === nameStart) return nameFault(bytes, nameStart, at);
    const nameEnd = at;
    do at += 1;
    while (isBlank(bytes[at]!));
    const valueStart = at;
    while (isValueOctet(bytes[at]!)) at += 1;
    if (bytes[at] !== CR) return bytes[at] === LF ? 'bareLineFeed' : 'fieldValue';
    if (bytes[at + 1] !== LF) return 'bareCarriageReturn';
    const lineEnd = at;
    at += 2;
    const role = findRole(hash, bytes, nameStart, nameEnd);
    const isPlain = valueStart === nameEnd + 2 && bytes[nameEnd + 1] === SPACE && !isBlank(bytes[lineEnd - 1]!);
    if (role === FieldRole.plain) {
      if (isPlain) continue;
    } else if (role >= FieldRole.firstKept) {
      noteKeptField(head, role);
      if (isPlain) continue;
    } else if (isPlain && role <= FieldRole.contentLength && !isPadded(bytes, valueStart, lineEnd)) {
      const fault = takeField(head, role, text.substring(valueStart - base, lineEnd - base));
      if (fault !== undefined) return fault;
      const start = head.text.length + nameStart - runStart;
      if (role === FieldRole.host) {
        head.hostStart = start;
        head.hostEnd = start + at - nameStart;
      } else {
        head.lengthStart = start;
        head.lengthEnd = start + at - nameStart;
      }
      continue;
    }
    let valueEnd = lineEnd;
    while (valueEnd > valueStart && isBlank(bytes[valueEnd - 1]!)) valueEnd--;
    if (runStart < nameStart) head.text += text.substring(runStart - base, nameStart - base);
    runStart = at;
    const value = text.substring(valueStart - base, valueEnd - base);
    if (role === FieldRole.plain || role >= FieldRole.firstKept)
      head.text += `${text.substring(nameStart - base, nameEnd - base)}: ${value}\r\n`;
    else {
      // The one value whose blanks matter: without them gone, it may name another coding.
      const isCoding = role === FieldRole.transferEncoding;
      const fault = takeField(head, role, isCoding ? text.substring(valueStart - base, lineEnd - base) : value);
      if (fault !== undefined) return fault;
    }
  }
  if (runStart < last) head.text += text.substring(runStart - base, end);
  return undefined;
}

/** Fields that are passed on, but whose presence matters to somebody. */
function noteKeptField(head: MessageHead, role: FieldRole): void {
  if (role === FieldRole.forwarding) head.hasForwardingFields = true;
  else if (role === FieldRole.date) head.hasDate = true;
  else if (role === FieldRole.idempotencyKey) head.hasIdempotencyKey = true;
}

/** A length with zeros in front is written anew: there are parsers to which that is another number. */
function isPadded(bytes: Uint8Array, start: number, end: number): boolean {
  return bytes[start] === ZERO && end > start + 1;
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}

function nameFault(bytes: Uint8Array, nameStart: number, at: number): Fault {
  const code = bytes[at]!;
  if (code === LF) return 'bareLineFeed';
  if (isBlank(code)) return at === nameStart ? 'foldedLine' : 'spaceBeforeColon';
  if (code === CR) return bytes[at + 1] === LF ? 'missingColon' : 'bareCarriageReturn';
  return 'fieldName';
}

function takeField(head: MessageHead, role: FieldRole, value: string): Fault | undefined {
  switch (role) {
    case FieldRole.host:
      if (head.host !== undefined) return 'repeatedHost';
      head.host = value;
      return undefined;
    case FieldRole.contentLength:
      return takeContentLength(head, value);
    case FieldRole.transferEncoding:
      return takeTransferEncoding(head, value);
    case FieldRole.connection:
      takeConnectionOptions(head, value);
      return undefined;
    case FieldRole.upgrade:
      head.upgrade = head.upgrade === undefined ? value : `${head.upgrade}, ${value}`;
      return undefined;
    case FieldRole.expect:
      head.expect = value;
      return undefined;
    case FieldRole.te:
      if (/(^|,)[ \t]*trailers[ \t]*(,|;|$)/i.test(value)) head.acceptsTrailers = true;
      return undefined;
    case FieldRole.keepAlive:
      head.keepAlive = value;
      return undefined;
    default:
      return undefined;
  }
}

/**
 * RFC 9112 §6.1: codings other than chunked are not understood here; a list, or the field twice, is one too. A tab behind
 * the word is refused, because there are parsers to which it is part of the word.
 */
function takeTransferEncoding(head: MessageHead, value: string): Fault | undefined {
  let end = value.length;
  while (end > 0 && value.charCodeAt(end - 1) === SPACE) end--;
  if (head.isChunked || value.substring(0, end).toLowerCase() !== 'chunked') return 'transferEncoding';
  head.isChunked = true;
  return undefined;
}

function takeContentLength(head: MessageHead, value: string): Fault | undefined {
  if (head.contentLengthBytes >= 0) return 'repeatedContentLength';
  // 15 digits stay below 2^53, so the number is exact.
  if (value.length === 0 || value.length > 15) return 'contentLength';
  let bytes = 0;
  for (let i = 0; i < value.length; i++) {
    const digit = value.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return 'contentLength';
    bytes = bytes * 10 + digit;
  }
  head.contentLengthBytes = bytes;
  return undefined;
}

function takeConnectionOptions(head: MessageHead, value: string): void {
  // The two values that nearly every message carries, without splitting.
  if (value === 'keep-alive' || value === 'Keep-Alive') {
    head.saysKeepAlive = true;
    return;
  }
  for (const part of value.split(',')) {
    const option = trimBlanks(part).toLowerCase();
    if (option === 'close') head.saysClose = true;
    else if (option === 'keep-alive') head.saysKeepAlive = true;
    else if (option === 'upgrade') head.saysUpgrade = true;
    else if (option !== '' && option !== 'te') {
      head.connectionNames ??= [];
      head.connectionNames.push(option);
    }
  }
}

/** Without spaces and tabs at its ends. `trim` would also take U+00A0, which another parser reads as part of the word. */
function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.substring(start, end);
}

/** Framing rules that both directions share (RFC 9112 §6.1, §6.3). */
export function checkFraming(head: MessageHead): Fault | undefined {
  if (!head.isChunked) return undefined;
  if (head.contentLengthBytes >= 0) return 'bothLengths';
  return head.minorVersion === 0 ? 'transferEncodingVersion' : undefined;
}

/** Takes out the fields that the peer's `Connection` named: they were meant for this connection only (RFC 9110 §7.6.1). */
export function dropConnectionNamed(head: MessageHead): void {
  if (head.connectionNames === undefined) return;
  head.fields = withoutNamed(head.fields, head.connectionNames);
  if (head.hasDate && head.connectionNames.includes('date')) head.hasDate = false;
  if (head.hasIdempotencyKey && head.connectionNames.includes('idempotency-key')) head.hasIdempotencyKey = false;
}

/**
 * The fields whose names are not listed. Fields that tell where a request came from stay whatever a peer lists: a client
 * that could have them dropped would hide behind the address of the trusted proxy that wrote them.
 */
export function withoutNamed(fields: readonly string[], names: readonly string[]): string[] {
  // A set, because both lists are as long as an attacker likes within one head.
  const dropped = new Set(names);
  const kept: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    if (!dropped.has(name) || isForwardingName(name)) kept.push(name, fields[i + 1]!);
  }
  return kept;
}
