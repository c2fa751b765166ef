/** What a line of the access log may hold, by the names that configurations use: `status`, `request.header.user-agent`, `path.id`. */
import type { z } from 'zod';
import { type LogField, type LogText, namedLogFields, plainLogFields } from './log-field-names.ts';
import { CAPTURE_NAME } from './path-pattern.ts';
import { listWords, quote } from './quote.ts';
import { splitReferences } from './split-references.ts';
import { suggestWord } from './suggest.ts';
import { type Reading, textKind } from './text-kind.ts';
import { readFieldName } from './token.ts';

const NAME_LENGTH_MAX = 256;
const CONTROL = /[\x00-\x08\x0a-\x1f\x7f]/;
const NAMED = /^(request\.header|response\.header|query|claim|path)\.(.+)$/s;
const MARK = /\$\$\{|\$\{([^}]*)(\}?)/g;

export function readLogField(text: string): Reading<LogField> {
  const plain = plainLogFields.find((name) => name === text);
  if (plain !== undefined) return { value: { kind: plain } };
  const [, group, name = ''] = NAMED.exec(text) ?? [];
  const kind = namedLogFields.find((known) => known === group);
  if (kind === undefined) return { problem: explainField(text) };
  if (name.length > NAME_LENGTH_MAX)
    return { problem: `the name in ${quote(text)} is too long; at most ${NAME_LENGTH_MAX} characters` };
  if (kind === 'path' && !CAPTURE_NAME.test(name)) return { problem: `${quote(name)} is not the name of a capture` };
  if (kind !== 'request.header' && kind !== 'response.header') return { value: { kind, name } };
  const field = readFieldName(name);
  return 'problem' in field ? field : { value: { kind, name: field.value } };
}

/** Text in which `${status}` stands for a field. `$${` is a literal `${`. */
export function readLogText(text: string): Reading<LogText> {
  return splitReferences(text, { mark: MARK, isText: isOfConfiguration, read: readLogField });
}

/** One field of a line. */
export function logField(): z.ZodType<LogField, string> {
  return textKind({
    noun: 'a field',
    examples: ['status', 'request.header.user-agent'],
    help: 'A field of a line, such as `status`, `request.header.NAME`, `response.header.NAME`, `query.NAME`, `claim.NAME` or `path.CAPTURE`.',
    read: readLogField,
  });
}

/** Text with fields in it. */
export function logText(
  help: string,
  findProblem: (text: string) => string | undefined = () => undefined,
): z.ZodType<LogText, string> {
  return textKind({
    noun: 'text',
    examples: ['${client} ${method} ${target} ${status}'],
    help,
    read(text) {
      const problem = CONTROL.test(text) ? 'a line holds no control characters' : findProblem(text);
      return problem === undefined ? readLogText(text) : { problem };
    },
  });
}

/** A constant that is called like a field was meant to be that field. */
export function findFieldName(text: string): string | undefined {
  if ('problem' in readLogField(text)) return undefined;
  return `\`${text}\` is the name of a field; write \`\${${text}}\` for its value`;
}

/** Names of claims may have colons, as in `cognito:groups`. */
function isOfConfiguration(inside: string): boolean {
  return inside.includes(':') && !inside.startsWith('claim.');
}

function explainField(text: string): string {
  const named = namedLogFields.map((kind) => `${kind}.NAME`);
  const suggestion = suggestWord(text, plainLogFields);
  if (suggestion !== undefined) return `unknown field ${quote(text)}; did you mean \`${suggestion}\`?`;
  return `unknown field ${quote(text)}; it is one of the fields of a line, such as \`status\`, or ${listWords(named)}`;
}
