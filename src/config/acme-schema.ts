/** Where certificates are ordered: the directory of an authority (RFC 8555), and which names may be ordered there. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { filePath } from '#schema/file-path.ts';
import { hostName } from '#schema/host-kinds.ts';
import { isHostName } from '#schema/host-pattern.ts';
import { quote } from '#schema/quote.ts';
import { secret } from '#schema/secret.ts';
import { type Reading, textKind } from '#schema/text-kind.ts';
import { isDirectoryWord } from './acme-directories.ts';

/** What authorities put into one certificate at most. */
const NAMES_MAX = 100;
const EMAIL = /^[^\s@,;<>"]+@[^\s@,;<>"]+$/;
/** Base64 with either alphabet: authorities give out both (RFC 8555 §7.3.4 asks for the one of URLs). */
const HMAC_KEY = /^[A-Za-z0-9+/_-]{16,}={0,2}$/;

const externalAccount = z.strictObject({
  keyId: z.string().min(1).max(1024).describe('The identifier of the account, as the authority gave it.'),
  hmacKey: secret()
    .refine((key) => HMAC_KEY.test(key.reveal()), { error: 'expected the key as the authority gave it, in base64' })
    .describe('The key that belongs to `keyId`, in base64. Best written as `${file:PATH}` or `${env:NAME}`.'),
});

export const acmeSchema = z.strictObject({
  directory: directory()
    .prefault('letsencrypt')
    .describe('The authority: `letsencrypt`, `letsencrypt-staging`, or the `https` URL of its ACME directory.'),
  email: email().optional().describe('Where the authority may write to about the account.'),
  store: filePath('A folder. Relative to the configuration file.')
    .prefault('./acme')
    .describe(
      'The folder where the account, the keys and the certificates are kept, readable for the gateway alone. Gateways that share it order each certificate once.',
    ),
  challenge: z
    .enum(['http-01', 'tls-alpn-01'])
    .default('http-01')
    .describe(
      'How the authority is shown that the names are ours: `http-01` on port 80 by a listener without `tls`, `tls-alpn-01` on port 443 by one with it.',
    ),
  externalAccount: externalAccount
    .optional()
    .describe('An account at the authority that was made elsewhere and that the one here is bound to (RFC 8555 §7.3.4).'),
  ca: filePath('Relative to the configuration file.')
    .optional()
    .describe('The authority that signed the certificate of the directory itself, PEM. Without it, those of the system.'),
});

/** The names of one certificate that is ordered. */
export const acmeNames = z
  .array(acmeName())
  .min(1)
  .max(NAMES_MAX)
  .superRefine((names, context) => {
    for (const [index, name] of names.entries()) {
      if (names.indexOf(name) < index)
        context.addIssue({ code: 'custom', message: `${quote(name)} is in the list already`, path: [index] });
    }
  });

function acmeName(): z.ZodType<string, string> {
  const plain = hostName('A host name whose certificate is ordered.');
  return textKind({
    noun: 'a host name',
    examples: ['shop.example.com'],
    help: 'A host name. The authority must find this gateway under it.',
    read(text): Reading<string> {
      if (text.startsWith('*.'))
        return {
          problem: `${quote(text)}: a certificate for every name below one can only be ordered with the challenge \`dns-01\`, which is not supported; list the names`,
        };
      if (isIP(text.replace(/^\[|\]$/g, '')) !== 0)
        return { problem: `${quote(text)}: certificates are ordered for host names, not for addresses` };
      const { data: name } = plain.safeParse(text);
      if (name === undefined || !isPublicName(name))
        return {
          problem: `${quote(text)} is not a host name that a certificate can be ordered for, such as \`shop.example.com\``,
        };
      return { value: name };
    },
  });
}

/** Names of one label mean nothing to an authority; underscores are not allowed in certificates. */
function isPublicName(name: string): boolean {
  return isHostName(name) && name.includes('.') && !name.includes('_') && !name.endsWith('.');
}

function directory(): z.ZodType<string, string> {
  return textKind({
    noun: 'a directory',
    examples: ['letsencrypt', 'letsencrypt-staging', 'https://acme.example.com/directory'],
    help: 'The name or the URL of an ACME directory.',
    read(text): Reading<string> {
      if (isDirectoryWord(text)) return { value: text };
      const url = URL.canParse(text) ? new URL(text) : undefined;
      if (url?.protocol === 'https:' && url.username === '' && url.hash === '') return { value: url.href };
      if (url?.protocol === 'http:') return { problem: `${quote(text)}: a directory is reached over \`https\`` };
      return { problem: `${quote(text)} is not a directory; write \`letsencrypt\`, \`letsencrypt-staging\` or an \`https\` URL` };
    },
  });
}

function email(): z.ZodType<string, string> {
  return textKind({
    noun: 'an e-mail address',
    examples: ['ops@example.com'],
    help: 'An e-mail address.',
    read: (text): Reading<string> =>
      EMAIL.test(text) ? { value: text } : { problem: `${quote(text)} is not an e-mail address such as \`ops@example.com\`` },
  });
}
