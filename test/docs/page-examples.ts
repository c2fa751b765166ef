/** Finds the examples of a page: configurations, and what is said to happen with them. */

export interface Message {
  /** Request line or status line. */
  readonly start: string;
  /** Names in lower case. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

export interface Transcript {
  readonly line: number;
  readonly request: Message;
  readonly answer: Message;
  /** What the service is said to receive. */
  readonly received: Message | undefined;
}

export interface Example {
  readonly line: number;
  readonly configuration: string;
  readonly transcripts: readonly Transcript[];
}

interface Fence {
  readonly language: string;
  readonly line: number;
  readonly text: string;
}

/**
 * Whole configurations (`version: 1` first, comments apart), each with the transcripts that follow it: a fence `http` with
 * a request and its answer, then perhaps one `http service` with what the service receives. Other fences are not looked at.
 */
export function findExamples(page: string): Example[] {
  const examples: (Example & { transcripts: Transcript[] })[] = [];
  for (const fence of findFences(page)) {
    const { language, line, text } = fence;
    if (language === 'yaml' && /^(?:#.*\n|\n)*version: 1\n/.test(text)) {
      examples.push({ line, configuration: text, transcripts: [] });
    } else if (language === 'http') {
      expectExample(examples, fence).transcripts.push(readTranscript(fence));
    } else if (language === 'http service') {
      const { transcripts } = expectExample(examples, fence);
      const last = transcripts.pop();
      if (last === undefined) throw new Error(`line ${line}: no request stands before what the service receives`);
      transcripts.push({ ...last, received: readMessage(text) });
    }
  }
  return examples;
}

/** Whether a value is what a page shows; `…` stands for anything. */
export function isAsShown(shown: string, value: string): boolean {
  const pattern = shown
    .split('…')
    .map((part) => RegExp.escape(part))
    .join('.*');
  return new RegExp(`^${pattern}$`, 's').test(value);
}

function expectExample<Found>(examples: readonly Found[], { line }: Fence): Found {
  const example = examples.at(-1);
  if (example === undefined) throw new Error(`line ${line}: no configuration stands before this transcript`);
  return example;
}

function findFences(page: string): Fence[] {
  const fences: Fence[] = [];
  let open: { language: string; line: number; lines: string[] } | undefined;
  for (const [index, line] of page.split('\n').entries()) {
    if (open === undefined) {
      const language = /^```(\S.*)?$/.exec(line);
      if (language !== null) open = { language: language[1] ?? '', line: index + 1, lines: [] };
    } else if (line === '```') {
      fences.push({ language: open.language, line: open.line, text: `${open.lines.join('\n')}\n` });
      open = undefined;
    } else open.lines.push(line);
  }
  return fences;
}

function readTranscript({ text, line }: Fence): Transcript {
  const answerAt = text.search(/^HTTP\/1\.1 /m);
  if (answerAt <= 0) throw new Error(`line ${line}: a transcript is a request and its answer`);
  return {
    line,
    request: readMessage(text.slice(0, answerAt)),
    answer: readMessage(text.slice(answerAt)),
    received: undefined,
  };
}

function readMessage(text: string): Message {
  const [head = '', ...rest] = text.trim().split('\n\n');
  const [start = '', ...lines] = head.split('\n');
  const fields = lines.map((line): readonly [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return { start, fields, body: rest.join('\n\n') };
}
