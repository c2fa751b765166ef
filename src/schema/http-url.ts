/** Addresses of servers that are no service of the configuration, such as those of issuers of tokens. */
import type { z } from 'zod';
import { quote } from './quote.ts';
import { type Reading, textKind } from './text-kind.ts';

const LENGTH_MAX = 1_024;

/** Reads an absolute URL of HTTP. It stays as it was written, since issuers are compared as texts. */
function readHttpUrl(text: string): Reading<string> {
  const url = text.length <= LENGTH_MAX && text === text.trim() ? URL.parse(text) : null;
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:') || !/^https?:\/\//i.test(text))
    return { problem: `${quote(text)} is not an address; write one such as \`https://login.example.com/\`` };
  if (url.username !== '' || url.password !== '') return { problem: 'the address holds a name or a password; leave them out' };
  return text.includes('#')
    ? { problem: `${quote(text)}: leave out what begins with \`#\`; servers never see it` }
    : { value: text };
}

/** The address of a server, with `https` or `http`. */
export function httpUrl(help: string): z.ZodType<string, string> {
  return textKind({
    noun: 'an address',
    examples: ['https://login.example.com/'],
    pattern: /^[Hh][Tt][Tt][Pp][Ss]?:\/\//,
    help,
    read: readHttpUrl,
  });
}
