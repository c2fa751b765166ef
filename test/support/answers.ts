/** Reads what a gateway sent to a client, as a client would: whole answers by their framing. For tests only, so it trusts its input. */

export interface ReadAnswer {
  readonly status: number;
  /** Status line and fields, without the empty line. */
  readonly head: string;
  /** Chunk frames taken away. */
  readonly body: string;
}

export interface AnswerReading {
  readonly answers: readonly ReadAnswer[];
  /** What is no whole answer, or not yet. */
  readonly rest: string;
}

/** Splits latin1 text into final answers; informational ones are left out. `methods` tells which answers go without a body. */
export function readAnswers(text: string, methods: readonly string[] = []): AnswerReading {
  const answers: ReadAnswer[] = [];
  let rest = text;
  for (;;) {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) return { answers, rest };
    const head = rest.slice(0, end);
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]);
    const behind = rest.slice(end + 4);
    const taken = status < 200 ? { body: '', rest: behind } : takeBody(head, behind, methods[answers.length]);
    if (taken === undefined) return { answers, rest };
    rest = taken.rest;
    if (status >= 200) answers.push({ status, head, body: taken.body });
  }
}

/** The value of a field of an answer's head. */
export function fieldOf(answer: ReadAnswer, name: string): string | undefined {
  return new RegExp(`^${name}: (.*)\\r?$`, 'im').exec(answer.head)?.[1];
}

function takeBody(head: string, behind: string, method: string | undefined): { body: string; rest: string } | undefined {
  if (method === 'HEAD' || /^HTTP\/1\.1 (?:204|304) /.test(head)) return { body: '', rest: behind };
  if (/^transfer-encoding: chunked\r?$/m.test(head)) return takeChunks(behind);
  const length = Number(/^content-length: (\d+)\r?$/im.exec(head)?.[1] ?? Number.POSITIVE_INFINITY);
  return behind.length < length ? undefined : { body: behind.slice(0, length), rest: behind.slice(length) };
}

/** The content of a chunked body, and what stands behind it; `undefined` when the body is not whole. */
export function takeChunks(text: string): { body: string; rest: string } | undefined {
  let body = '';
  let position = 0;
  for (;;) {
    const lineEnd = text.indexOf('\r\n', position);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(text.slice(position, lineEnd), 16);
    if (size === 0) {
      const end = text.indexOf('\r\n\r\n', lineEnd);
      return end < 0 ? undefined : { body, rest: text.slice(end + 4) };
    }
    const dataEnd = lineEnd + 2 + size;
    if (text.length < dataEnd + 2) return undefined;
    body += text.slice(lineEnd + 2, dataEnd);
    position = dataEnd + 2;
  }
}
