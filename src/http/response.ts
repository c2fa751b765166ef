/** The head of an answer, whoever made it, before it is written in the client's protocol. */
export interface ResponseHead {
  status: number;
  /** Field names in lower case and values, alternating. Holds no hop-by-hop fields, `content-length` nor `transfer-encoding`. */
  fields: string[];
  /** The same fields as HTTP/1 lines, for as long as nobody has looked at the list and could have changed it. */
  readonly fieldText?: string | undefined;
  /** Status line, fields and `content-length` as HTTP/1 text, for as long as nobody could have changed anything. */
  readonly messageText?: string | undefined;
  /** `date` is among the fields; without a word, nobody knows. */
  readonly hasDate?: boolean | undefined;
  /** Length of the body when it is known; `undefined` when the end shows itself. 0 when there is none. */
  contentLengthBytes: number | undefined;
}

/** A whole answer that the gateway gives by itself. */
export interface Reply extends ResponseHead {
  body: Buffer | undefined;
  /** Made for one exchange: it may be changed on its way, so that no copy is needed. */
  readonly isForOne?: boolean;
}

/** A 204, a 304 and every answer to HEAD end with the head (RFC 9110 §6.4.1). */
export function hasResponseBody(method: string, status: number): boolean {
  return method !== 'HEAD' && status !== 204 && status !== 304 && status >= 200;
}
