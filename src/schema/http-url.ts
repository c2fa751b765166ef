/** Addresses of servers that are no service of the configuration, such as those of issuers of tokens. */
import type { z } from 'zod';
import { quote } from './quote.ts';
import { type Reading, textKind } from './text-kind.ts';

const LENGTH_MAX = 1_024;
const EXAMPLE = 'https://login.example.com/';

/** The address of a server, with `https` or `http`. The text stays as it is written, since issuers are compared as texts. */
export function httpUrl(help: string, example: string = EXAMPLE): z.ZodType<string, string> {
  return urlKind({ help, example }, (text) => readHttpUrl(text, example));
}

/** The address of an issuer, which is part of other addresses. */
export function issuerUrl(help: string): z.ZodType<string, string> {
  // OpenID Connect Core 1.0 §2, `iss`.
  return urlKind({ help, example: EXAMPLE }, (text) =>
    text.includes('?')
      ? { problem: 'the address of an issuer has no query; leave out what begins with `?`' }
      : readHttpUrl(text, EXAMPLE),
  );
}

function urlKind(
  { help, example }: { readonly help: string; readonly example: string },
  read: (text: string) => Reading<string>,
): z.ZodType<string, string> {
  return textKind({ noun: 'an address', examples: [example], pattern: /^[Hh][Tt][Tt][Pp][Ss]?:\/\//, help, read });
}

function readHttpUrl(text: string, example: string): Reading<string> {
  const url = text.length <= LENGTH_MAX && text === text.trim() ? URL.parse(text) : null;
  // What may hold a password is not repeated.
  if (url !== null && (url.username !== '' || url.password !== ''))
    return { problem: 'the address holds a name or a password; leave them out' };
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:') || !/^https?:\/\//i.test(text))
    return { problem: `${quote(text)} is not an address; write one such as \`${example}\`` };
  return text.includes('#')
    ? { problem: 'the address has a part that servers never see; leave out what begins with `#`' }
    : { value: text };
}
