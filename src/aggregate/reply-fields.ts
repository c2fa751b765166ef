/** Status and fields that a function gives its answer: what would make another message of it is refused. */
import type { ReplySettings } from './compose-function.ts';

/** RFC 9110 §5.6.2, in lower case. */
const FIELD_NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
/** They frame the message or belong to one connection (RFC 9110 §7.6.1), or the gateway writes them itself. */
const MANAGED_FIELDS = new Set([
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'proxy-connection',
  'upgrade',
  'te',
  'trailer',
  'date',
  'x-request-id',
]);
const NOT_IN_VALUE = /[^\t\x20-\x7e]/gu;

/** What is wrong with them; names of configurations are checked when they are read. */
export function findReplyProblem({ status, headers = {} }: ReplySettings): string | undefined {
  if (status !== undefined && !(Number.isInteger(status) && status >= 200 && status <= 599))
    return `${status} is no status of an answer`;
  for (const name of Object.keys(headers)) {
    const lower = name.toLowerCase();
    if (!FIELD_NAME.test(lower)) return `${JSON.stringify(name)} is no name of a field`;
    if (MANAGED_FIELDS.has(lower)) return `the gateway writes ${lower} itself`;
  }
  return undefined;
}

/** RFC 9110 §5.5: a value is one line. What is not ASCII would have no meaning that everybody shares. */
export function toReplyFields({ headers = {} }: ReplySettings): string[] {
  return Object.entries(headers).flatMap(([name, value]) => [name.toLowerCase(), encodeValue(String(value))]);
}

function encodeValue(text: string): string {
  return text.replace(NOT_IN_VALUE, (character) => encodeURIComponent(character.toWellFormed()));
}
