/** The address of a server that the gateway calls and that is no service, such as one that issues tokens. */
import type { z } from 'zod';
import { quote } from './quote.ts';
import { type Reading, textKind } from './text-kind.ts';

/** An `http` or `https` URL, without a user in it, a query or a fragment. The text stays as it is written. */
export function serverUrl(help: string, example: string): z.ZodType<string, string> {
  return textKind({ noun: 'a URL', examples: [example], help, read: (text) => readServerUrl(text, example) });
}

function readServerUrl(text: string, example: string): Reading<string> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isHttp = url?.protocol === 'https:' || url?.protocol === 'http:';
  // A password in it would be shown wherever the URL is.
  if (url !== undefined && isHttp && url.username === '' && url.password === '' && url.search === '' && url.hash === '')
    return { value: text };
  // For the same reason it is not repeated in full.
  const shown = url === undefined ? quote(text) : quote(`${url.protocol}//${url.host}${url.pathname}`);
  return {
    problem: `${shown} is not the address of a server; write an \`https\` URL without user, query and fragment, such as \`${example}\``,
  };
}
