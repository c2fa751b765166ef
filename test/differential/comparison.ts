/** Compares two readings of the same bytes. Reports the first difference, because all that follows from it means nothing. */
import { isForwardingName } from '#wire/http1/field-names.ts';
import type { MessageHead } from '#wire/http1/message-head.ts';
import type { RequestHead } from '#wire/http1/request-head.ts';
import { keepTrailerFields } from '#wire/http1/trailer-fields.ts';
import type { ReadMessage, RequestReading, ResponseReading } from '../support/http1-reading.ts';
import type { NodeMessage, NodeReading } from './node-parser.ts';

type Kind = 'stricter' | 'laxer' | 'shorter' | 'meaning';

export interface Difference {
  /**
   * `stricter`: we refuse what Node has read. `laxer`: we read what Node refuses. `shorter`: we stop before what Node
   * reads on. `meaning`: both have read it, as different things; no such difference is ever acceptable.
   */
  readonly kind: Kind;
  readonly what: string;
  /** Our fault, or how our reading ended. */
  readonly ours: string;
  /** Node's code, or `read`. */
  readonly theirs: string;
  /** The message in question, and the one before it, as far as we have read them. */
  readonly head: MessageHead | undefined;
  readonly headBefore: MessageHead | undefined;
  readonly theirMessage: NodeMessage | undefined;
  readonly theirMessageBefore: NodeMessage | undefined;
  /** Where we refuse or stop: the text from the end of our last complete request on. */
  readonly rest: string;
}

type Seen = Omit<Difference, 'kind' | 'what'>;

/** Fields that both parsers use themselves and that our heads keep apart. */
const ruling = new Set(
  'host content-length transfer-encoding connection upgrade expect te keep-alive proxy-connection proxy-authorization'.split(' '),
);

function endToEnd(rawFields: readonly string[], names: readonly string[] | undefined): string[] {
  const fields: string[] = [];
  for (let i = 0; i < rawFields.length; i += 2) {
    const name = rawFields[i]!.toLowerCase();
    const isDropped = ruling.has(name) || (names?.includes(name) === true && !isForwardingName(name));
    if (!isDropped) fields.push(name, rawFields[i + 1]!);
  }
  return fields;
}

function differs(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) !== JSON.stringify(right);
}

export function compareRequests(bytes: Buffer, ours: RequestReading, theirs: NodeReading): Difference | undefined {
  for (let i = 0; i < Math.max(ours.requests.length, theirs.messages.length); i++) {
    const seen: Seen = {
      ours: ours.end,
      theirs: theirs.refusal ?? 'read',
      head: ours.requests[i]?.head,
      headBefore: ours.requests[i - 1]?.head,
      theirMessage: theirs.messages[i],
      theirMessageBefore: theirs.messages[i - 1],
      rest: bytes.latin1Slice(ours.completeBytes),
    };
    const [our, their] = [ours.requests[i], theirs.messages[i]];
    const startLine = our === undefined || their === undefined ? undefined : findOtherRequestLine(our.head, their);
    if (startLine !== undefined) return { ...seen, kind: 'meaning', what: startLine };
    const difference = compareMessage(seen, our, theirs.messages.slice(i), theirs.refusal);
    if (difference !== undefined) return difference;
    if (our === undefined || their === undefined) return undefined;
  }
  return undefined;
}

function findOtherRequestLine(head: RequestHead, theirs: NodeMessage): string | undefined {
  if (head.method !== theirs.method) return 'method';
  return head.target === theirs.target ? undefined : 'target';
}

export function compareResponses(bytes: Buffer, ours: ResponseReading, theirs: NodeReading): Difference | undefined {
  const [our, their] = [ours.response, theirs.messages[0]];
  const seen: Seen = {
    ours: ours.end,
    theirs: theirs.refusal ?? 'read',
    head: our?.head,
    headBefore: ours.informational.at(-1),
    theirMessage: their,
    theirMessageBefore: undefined,
    rest: bytes.latin1Slice(),
  };
  const informational = compareInformational(ours, theirs);
  if (informational !== undefined) return { ...seen, kind: informational, what: 'informational' };
  if (our !== undefined && their !== undefined && our.head.status !== their.status)
    return { ...seen, kind: 'meaning', what: 'status' };
  return compareMessage(seen, our, theirs.messages, theirs.refusal);
}

function compareInformational(ours: ResponseReading, theirs: NodeReading): Kind | undefined {
  const left = ours.informational.map(({ status, fields }) => ({ status, fields }));
  const right = theirs.informational.map(({ status, rawFields }, index) => {
    return { status, fields: endToEnd(rawFields, ours.informational[index]?.connectionNames) };
  });
  const common = Math.min(left.length, right.length);
  if (differs(left.slice(0, common), right.slice(0, common))) return 'meaning';
  if (left.length > common) return 'laxer';
  return right.length > common ? missingKind(ours.end) : undefined;
}

/** Compares one message of ours with the first of theirs that are left. */
function compareMessage(
  seen: Seen,
  our: ReadMessage<MessageHead> | undefined,
  theirMessages: readonly NodeMessage[],
  refusal: string | undefined,
): Difference | undefined {
  const their = theirMessages[0];
  if (our === undefined && their === undefined) return undefined;
  if (their === undefined) return { ...seen, kind: 'laxer', what: 'message' };
  const hasRefused = isRefusal(refusal) && !their.isComplete && theirMessages.length === 1;
  if (our === undefined) return hasRefused ? undefined : { ...seen, kind: missingKind(seen.ours), what: 'message' };
  const part = findOtherPart(our, their);
  if (part !== undefined) return { ...seen, kind: 'meaning', what: part };
  if (our.isComplete && !their.isComplete) return { ...seen, kind: hasRefused ? 'laxer' : 'meaning', what: 'end' };
  // Both are at the end of the head; what follows is no HTTP.
  if (seen.ours === 'switched') return undefined;
  if (!our.isComplete && their.isComplete) return { ...seen, kind: missingKind(seen.ours), what: 'end' };
  return undefined;
}

/** The first part of a message, as far as both have read it, that means different things. */
function findOtherPart({ head, body, trailers, isComplete }: ReadMessage<MessageHead>, theirs: NodeMessage): string | undefined {
  if (`1.${head.minorVersion}` !== theirs.version) return 'version';
  if (differs(head.fields, endToEnd(theirs.rawFields, head.connectionNames))) return 'fields';
  if (!isComplete || !theirs.isComplete) return undefined;
  if (body !== theirs.body) return 'body';
  const theirTrailers = keepTrailerFields(endToEnd(theirs.rawTrailers, undefined), head.connectionNames);
  return differs(trailers, theirTrailers) ? 'trailers' : undefined;
}

/** What it is that Node has a message, or its end, where we have none. */
function missingKind(end: string): Kind {
  if (end === 'close') return 'shorter';
  return end === 'whole' || end === 'truncated' || end === 'switched' ? 'meaning' : 'stricter';
}

/** Codes that say no more than that the bytes ended. */
const endCodes = new Set(['HPE_INVALID_EOF_STATE', 'ECONNRESET']);

/** Node tells of a head before it has looked at the framing; what it refuses then it has refused. */
function isRefusal(refusal: string | undefined): boolean {
  return refusal !== undefined && !endCodes.has(refusal);
}
