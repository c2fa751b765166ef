/**
 * Where the gateway's HTTP/1 codec and Node's parser part, each with the reason why ours is as it is. An entry explains
 * what it was written for and nothing else; a difference that no entry explains fails the test. There is no entry for two
 * readings with different meanings, and there must never be one.
 */
import { METHODS } from 'node:http';
import { normaliseTarget, parseHost } from '#http/target.ts';
import { RequestHead } from '#wire/http1/request-head.ts';
import type { Difference } from './comparison.ts';
import type { NodeMessage } from './node-parser.ts';

interface KnownDifference {
  readonly kind: Difference['kind'];
  readonly explains: (difference: Difference) => boolean;
  readonly reason: string;
}

/** What Node saw in all fields of this name, joined. */
function fieldValue(message: NodeMessage | undefined, name: string, isTrailer = false): string {
  const raw = (isTrailer ? message?.rawTrailers : message?.rawFields) ?? [];
  return raw.filter((_, index) => index % 2 === 1 && raw[index - 1]!.toLowerCase() === name).join(', ');
}

/** Whether the target that our codec let through is refused one step later, where targets are normalised. */
function isRefusedTarget({ head }: Difference): boolean {
  if (!(head instanceof RequestHead)) return false;
  const target = normaliseTarget(head.target, head.method);
  return typeof target !== 'object' || (target.authority !== undefined && parseHost(target.authority) === undefined);
}

const closingCodes = new Set(['HPE_CLOSED_CONNECTION', 'read']);

export const knownDifferences: Readonly<Record<string, KnownDifference>> = {
  'long-length': {
    kind: 'stricter',
    explains: ({ ours, theirMessage }) => ours === 'contentLength' && fieldValue(theirMessage, 'content-length').length > 15,
    reason: 'A length of more than 15 digits is not exact as a number here, and no body has it.',
  },
  'other-codings': {
    kind: 'stricter',
    explains: ({ ours, theirMessage, rest }) =>
      ours === 'transferEncoding' &&
      (!/^chunked$/i.test(fieldValue(theirMessage, 'transfer-encoding')) || /\ntransfer-encoding:[^\r\n]*\t\r/i.test(rest)),
    reason: 'A coding that a gateway does not undo would reach an upstream under a framing that no longer describes it.',
  },
  'chunked-http-1.0': {
    kind: 'stricter',
    explains: ({ ours }) => ours === 'transferEncodingVersion',
    reason: 'RFC 9112 §6.1: the message is to be taken for faulty, because an HTTP/1.0 hop may have passed it on unread.',
  },
  'long-chunk-size': {
    kind: 'stricter',
    explains: ({ ours, rest }) => ours === 'chunkSize' && /\r\n[0-9a-f]{14,}/i.test(rest),
    reason: 'Sizes have at most 13 digits, leading zeros included: more are not exact, and only attacks send them.',
  },
  'loose-extension': {
    kind: 'stricter',
    explains: ({ ours, rest }) => ours === 'chunkExtension' && /\r\n[0-9a-f]+;[\t\x20-\x7e\x80-\xff]*\r\n/i.test(rest),
    reason: 'RFC 9112 §7.1.1: names and values are tokens or quoted. Node takes empty and half-quoted ones up to the same CRLF.',
  },
  'trailer-framing': {
    kind: 'stricter',
    explains: ({ ours, theirMessage }) =>
      (ours === 'framingTrailer' || ours === 'transferEncoding') && fieldValue(theirMessage, 'transfer-encoding', true) !== '',
    reason: 'RFC 9110 §6.5.1: framing never stands in a trailer. Node refuses it in requests and ignores it in answers.',
  },
  'trailer-connection': {
    kind: 'laxer',
    explains: ({ theirs, theirMessageBefore }) =>
      /^HPE_/.test(theirs) &&
      fieldValue(theirMessageBefore, 'connection', true) + fieldValue(theirMessageBefore, 'proxy-connection', true) !== '',
    reason: 'RFC 9110 §6.5.1: Connection in a trailer rules nothing. Node lets it end the connection after the message.',
  },
  'host-rules': {
    kind: 'stricter',
    explains: ({ ours }) => ours === 'missingHost' || ours === 'repeatedHost',
    reason: 'RFC 9112 §3.2 asks for exactly one Host; llhttp leaves that to the server above it.',
  },
  'request-line-form': {
    kind: 'stricter',
    explains: ({ ours, rest }) =>
      (ours === 'target' || ours === 'requestLine') && /^[\r\n]*[A-Z-]+ (?: |[^ ]+ {2,}|[^ ]+ (?:RTSP|ICE)\/)/.test(rest),
    reason: 'RFC 9112 §3: one space between the words, and HTTP for the protocol.',
  },
  fragment: {
    kind: 'stricter',
    explains: ({ ours, theirMessage }) => ours === 'target' && theirMessage?.target.includes('#') === true,
    reason: 'RFC 9112 §3.2: a target has no fragment. Upstreams cut it off or do not, so that policies would see another path.',
  },
  'target-form': {
    kind: 'laxer',
    explains: (difference) => difference.theirs === 'HPE_INVALID_URL' && isRefusedTarget(difference),
    reason: 'The codec checks the bytes of a target; src/http/target.ts refuses this one by its form.',
  },
  'other-versions': {
    kind: 'stricter',
    explains: ({ ours, theirMessage }) =>
      /^(?:version|requestLine|bareLineFeed)$/.test(ours) &&
      theirMessage !== undefined &&
      !/^1\.[01]$/.test(theirMessage.version),
    reason: 'HTTP/0.9 has no fields, HTTP/2 no text; neither can come after a request line of this form.',
  },
  'unknown-method': {
    kind: 'laxer',
    explains: ({ theirs, head }) =>
      theirs === 'HPE_INVALID_METHOD' && head instanceof RequestHead && !METHODS.includes(head.method),
    reason: 'RFC 9110 §9.1: methods are an open set of tokens; which ones a route takes is for the configuration.',
  },
  connect: {
    kind: 'stricter',
    explains: ({ ours }) => ours === 'connect',
    reason: 'Node takes what follows CONNECT for a tunnel, others for a body; nobody sends either to a gateway in good faith.',
  },
  'after-connect': {
    kind: 'laxer',
    explains: ({ theirs, headBefore }) =>
      theirs === 'read' && headBefore instanceof RequestHead && headBefore.method === 'CONNECT',
    reason: 'CONNECT is answered with a refusal, so what follows it is a request; Node has handed it to a tunnel.',
  },
  'empty-lines': {
    kind: 'stricter',
    explains: ({ ours, rest }) =>
      /^(?:requestLine|statusLine|bareLineFeed|bareCarriageReturn)$/.test(ours) && /^[\r\n]/.test(rest),
    reason: 'RFC 9112 §2.2 asks to ignore at least one empty line before a request, not any number of CR and LF.',
  },
  'close-and-keep-alive': {
    kind: 'shorter',
    explains: ({ headBefore }) => headBefore?.minorVersion === 0 && headBefore.saysClose,
    reason: 'Whoever says close means it, also in HTTP/1.0.',
  },
  'proxy-connection': {
    kind: 'laxer',
    explains: ({ theirs, theirMessageBefore }) =>
      closingCodes.has(theirs) && fieldValue(theirMessageBefore, 'proxy-connection') !== '',
    reason: 'RFC 9112 §C.2.2: Proxy-Connection is not part of the protocol. Node takes it for Connection.',
  },
  'proxy-connection-keep-alive': {
    kind: 'shorter',
    explains: ({ headBefore, theirMessageBefore }) =>
      headBefore?.minorVersion === 0 && /keep-alive/i.test(fieldValue(theirMessageBefore, 'proxy-connection')),
    reason: 'RFC 9112 §C.2.2: Proxy-Connection is not part of the protocol. Node takes it for Connection.',
  },
  upgrade: {
    kind: 'laxer',
    explains: ({ theirs, headBefore }) => theirs === 'read' && headBefore?.upgrade !== undefined && headBefore.saysUpgrade,
    reason: 'Until 101 is sent, what follows is HTTP (RFC 9110 §7.8); the connection decides that, not the codec. Node stops.',
  },
  switching: {
    kind: 'stricter',
    explains: ({ ours }) => ours === 'switching',
    reason: 'RFC 9110 §15.2.2: 101 says to which protocol. Without that, what follows has no meaning; Node reads on as HTTP.',
  },
  'reason-bytes': {
    kind: 'stricter',
    explains: ({ ours, rest }) => ours === 'statusLine' && /HTTP\/1\.[01] \d{3} [^\r\n]*[\x00-\x08\x0b-\x1f\x7f]/.test(rest),
    reason: 'RFC 9112 §4: a reason has no control bytes. Node does not look at it.',
  },
  'informational-http-1.0': {
    kind: 'laxer',
    explains: ({ theirs, headBefore }) =>
      theirs === 'HPE_CLOSED_CONNECTION' && headBefore?.minorVersion === 0 && !(headBefore instanceof RequestHead),
    reason: 'RFC 9110 §15.2: an informational answer is never the last. Node ends an HTTP/1.0 connection behind it.',
  },
  'status-range': {
    kind: 'stricter',
    explains: ({ ours, theirMessage }) =>
      ours === 'statusLine' && theirMessage !== undefined && (theirMessage.status < 100 || theirMessage.status > 599),
    reason: 'RFC 9110 §15: statuses outside 100 to 599 are invalid.',
  },
};

/** The names of all entries that explain a difference. */
export function explanationsOf(difference: Difference): string[] {
  return Object.entries(knownDifferences)
    .filter(([, { kind, explains }]) => kind === difference.kind && difference.kind !== 'meaning' && explains(difference))
    .map(([name]) => name);
}
