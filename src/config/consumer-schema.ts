/** Those who call, and what they identify themselves with. */
import { z } from 'zod';
import { hasArgon2, isPasswordHash, parsePasswordHash } from '#base/password-hash.ts';
import { Secret } from '#base/secret.ts';
import type { CertificateIdentity } from '#pipeline/certificate-directory.ts';
import { forms, isMap } from '#schema/forms.ts';
import { entryName } from '#schema/name.ts';
import { quote } from '#schema/quote.ts';
import { secret } from '#schema/secret.ts';
import { type Reading, textKind } from '#schema/text-kind.ts';
import { consumerAddresses } from './consumer-addresses.ts';

/** Shorter ones can be guessed: they are hashed once, which is only enough for what has the length of a random text. */
const KEY_LENGTH_MIN = 20;
const KEY_LENGTH_MAX = 512;
const PASSWORD_LENGTH_MIN = 12;
const PASSWORD_LENGTH_MAX = 512;
const SUBJECT_LENGTH_MAX = 1_024;
/** As much of a key as is shown, so that people can tell keys apart. */
const SHOWN_LENGTH = 6;
const SHA256 = /^[0-9a-fA-F]{64}$/;
/** What is behind the last `@` is the issuer. */
const SUBJECT = /^[\x21\x23-\x5b\x5d-\x7e]{1,256}@[^\s@/][^\s@]*$/;
/** RFC 2104 §3: as many as the hash has. */
const HMAC_SECRET_BYTES_MIN = 32;
const KEY_ID = /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/;
const ALT_NAME = /^(?:dns|uri|email):[\x21-\x7e]{1,512}$/i;
const FINGERPRINT = /^[0-9a-fA-F]{2}(?::?[0-9a-fA-F]{2}){31}$/;
const DISTINGUISHED_NAME = /^[A-Za-z0-9.]+=.+$/;
const DATE_TIME = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d))?$/;

/** A key as the gateway keeps it: nobody can make the key of it. */
export interface ApiKey {
  /** Of the key, as lower-case hex. */
  readonly sha256: string;
  /** The first characters of the key; empty when only its hash was given. */
  readonly shown: string;
  /** Milliseconds since 1970; from then on it does not count. */
  readonly expiresMs?: number | undefined;
}

const keyText = textKind({
  noun: 'a key',
  isSecret: true,
  examples: ['${env:ALICE_KEY}', '${file:/run/secrets/alice-key}'],
  help: `The key itself, ${KEY_LENGTH_MIN} to ${KEY_LENGTH_MAX} visible ASCII characters. It is hashed when the configuration is read.`,
  read: readKey,
});

const keyMap = z
  .strictObject({
    key: keyText.optional(),
    sha256: textKind({
      noun: 'a SHA-256',
      isSecret: true,
      examples: ['9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'],
      pattern: SHA256,
      help: 'The SHA-256 of the key in hex, such as `printf %s "$KEY" | sha256sum` prints, in the place of the key.',
      read: readSha256,
    }).optional(),
    expires: textKind({
      noun: 'a date',
      examples: ['2027-01-31', '2027-01-31T12:00:00Z'],
      pattern: DATE_TIME,
      help: 'From when on the key does not count: a date (its beginning in UTC), or a date and time with an offset. Without it, it counts for ever.',
      read: readDate,
    }).optional(),
  })
  .superRefine(({ key, sha256 }, context) => {
    if ((key === undefined) !== (sha256 === undefined)) return;
    const message =
      key === undefined ? 'there is neither `key` nor `sha256`' : '`sha256` stands in the place of `key`; write one of them';
    context.addIssue({ code: 'custom', message, ...(key === undefined ? {} : { path: ['sha256'] }) });
  })
  .transform(({ key, sha256, expires }): ApiKey => ({ ...(key ?? { sha256: sha256!, shown: '' }), expiresMs: expires }));

const apiKey = forms('a key, or a map with `key` or `sha256`', [
  { isMeant: isMap, schema: keyMap },
  // What is not even text may be a key without quotes.
  { isMeant: () => true, schema: keyText.transform((key): ApiKey => key) },
]);

const password = textKind({
  noun: 'a password or its hash',
  isSecret: true,
  examples: ['${env:ALICE_PASSWORD}', '$scrypt$ln=14,r=8,p=5$8mSXGzJW7zYgqg4ZVxMhGg$4RmZ0cZnBkZV0n0yEJdJqk3YyRz0cW7V0v3m0Jm3m0E'],
  help: `The hash of its password for the policy \`basic-auth\`, which \`gatehouse hash-password\` prints (scrypt or Argon2 as a PHC string), or the password itself, of ${PASSWORD_LENGTH_MIN} characters or more.`,
  read: readPassword,
});

const certificate = z
  .strictObject({
    subject: textKind({
      noun: 'a distinguished name',
      examples: ['CN=warehouse,O=Example'],
      help: 'Its subject as RFC 4514 writes it, the most special part first: as logs show it.',
      read: readDistinguishedName,
    }).optional(),
    san: textKind({
      noun: 'an alternative name',
      examples: ['dns:warehouse.example.com', 'uri:spiffe://example.com/warehouse', 'email:warehouse@example.com'],
      pattern: ALT_NAME,
      help: 'One of its alternative names, behind its kind: `dns:`, `uri:` or `email:`.',
      read: readAltName,
    }).optional(),
    fingerprint: textKind({
      noun: 'a fingerprint',
      examples: ['9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'],
      pattern: FINGERPRINT,
      help: 'Its SHA-256 in hex, such as `openssl x509 -noout -fingerprint -sha256` prints.',
      read: readFingerprint,
    }).optional(),
  })
  .superRefine((identities, context) => {
    if (Object.values(identities).filter((value) => value !== undefined).length === 1) return;
    context.addIssue({ code: 'custom', message: 'write one of `subject`, `san` and `fingerprint`' });
  })
  .transform(({ subject, san, fingerprint }): CertificateIdentity => {
    if (fingerprint !== undefined) return { kind: 'fingerprint', value: fingerprint };
    return san === undefined ? { kind: 'subject', value: subject ?? '' } : { kind: 'san', value: san };
  });

const hmacKey = z
  .strictObject({
    id: textKind({
      noun: 'a key id',
      examples: ['warehouse-2027'],
      pattern: KEY_ID,
      help: 'What signatures name it by (`keyid`). It is no secret.',
      read: readKeyId,
    }),
    secret: secret().describe(`The secret, of ${HMAC_SECRET_BYTES_MIN} bytes or more, such as \`openssl rand -hex 32\` makes.`),
    encoding: z
      .enum(['text', 'base64'])
      .default('text')
      .describe('`base64`: the secret is written in base64. `text`: it is the text itself.'),
  })
  .superRefine(({ secret: written, encoding }, context) => {
    const text = written.reveal();
    const isBase64 = /^[A-Za-z0-9+/]+={0,2}$/.test(text);
    const problem =
      encoding === 'base64' && !isBase64
        ? 'the secret is not base64'
        : Buffer.byteLength(text, encoding === 'base64' ? 'base64' : 'utf8') < HMAC_SECRET_BYTES_MIN
          ? `the secret is too short; at least ${HMAC_SECRET_BYTES_MIN} bytes`
          : undefined;
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem, path: ['secret'] });
  });

const subject = textKind({
  noun: 'a subject of an issuer',
  examples: ['3f2a@login.example.com', 'orders-job@login.example.com/realms/shop'],
  pattern: SUBJECT,
  help: 'Whom a token is about, `@`, and the address of its issuer without `https://`.',
  read: readSubject,
});

const consumer = z.strictObject({
  groups: z.array(entryName()).default([]).describe('What it belongs to; rules may name groups in the place of consumers.'),
  keys: z
    .array(apiKey)
    .default([])
    .describe('Its keys for the policy `api-key`. With two, a new one can be handed out before the old one is taken away.'),
  password: password.optional(),
  hmacKeys: z
    .array(hmacKey)
    .default([])
    .describe('The secrets that it signs requests with, for the policy `hmac`. With two, one can be replaced without a gap.'),
  certificates: z
    .array(certificate)
    .default([])
    .describe('Its TLS certificates for the policy `client-certificate`, each by one thing that it is known by.'),
  addresses: consumerAddresses,
  subjects: z
    .array(subject)
    .default([])
    .describe(
      'The subjects of tokens that stand for it, each with its issuer: `SUBJECT@ISSUER`. A token of anybody else stands for a consumer with just this name.',
    ),
});

/** By name. The same credential twice would be two consumers, or one that is taken away and still there. */
export const consumersSchema = z.record(entryName(), consumer).superRefine((consumers, context) => {
  const owners = new Map<string, string>();
  for (const [name, { keys, subjects, certificates, hmacKeys }] of Object.entries(consumers)) {
    const credentials = [
      ...keys.map(({ sha256 }, index) => ({ noun: 'key', identity: `key ${sha256}`, path: ['keys', index] })),
      ...hmacKeys.map(({ id }, index) => ({ noun: 'key id', identity: `key id ${id}`, path: ['hmacKeys', index, 'id'] })),
      ...certificates.map(({ kind, value }, index) => ({
        noun: 'certificate',
        identity: `certificate ${kind} ${value}`,
        path: ['certificates', index],
      })),
      ...subjects.map((text, index) => ({ noun: 'subject', identity: `subject ${text}`, path: ['subjects', index] })),
    ];
    for (const { noun, identity, path } of credentials) {
      const owner = owners.get(identity);
      owners.set(identity, name);
      if (owner === undefined) continue;
      const message = `${owner === name ? 'the consumer' : `the consumer \`${owner}\``} has this ${noun} already`;
      context.addIssue({ code: 'custom', message, path: [name, ...path] });
    }
  }
});

function readKey(text: string): Reading<ApiKey> {
  if (!/^[\x21-\x7e]*$/.test(text))
    return { problem: 'the key has spaces or characters beyond ASCII; a client could not send it' };
  if (text.length < KEY_LENGTH_MIN)
    return { problem: `the key is too short; at least ${KEY_LENGTH_MIN} characters, such as \`openssl rand -hex 24\` makes` };
  if (text.length > KEY_LENGTH_MAX) return { problem: `the key is too long; at most ${KEY_LENGTH_MAX} characters` };
  return { value: { sha256: hashKey(text), shown: text.slice(0, SHOWN_LENGTH) } };
}

/** Not hashed here: a slow hash for each of a thousand consumers would keep a start waiting for minutes. */
function readPassword(text: string): Reading<Secret> {
  if (isPasswordHash(text)) {
    const hash = parsePasswordHash(text);
    if (typeof hash === 'string') return { problem: `the hash of the password: ${hash}` };
    if (hash.kind === 'argon2' && !hasArgon2())
      return { problem: 'the hash of the password: this Node.js has no Argon2, which came with 24.7; use scrypt' };
    return { value: new Secret(text) };
  }
  if (/[\x00-\x1f\x7f]/.test(text)) return { problem: 'the password has control characters; a client could not send it' };
  if (text.length < PASSWORD_LENGTH_MIN)
    return { problem: `the password is too short; at least ${PASSWORD_LENGTH_MIN} characters, or the hash of one` };
  if (text.length > PASSWORD_LENGTH_MAX)
    return { problem: `the password is too long; at most ${PASSWORD_LENGTH_MAX} characters` };
  return { value: new Secret(text) };
}

function readSha256(text: string): Reading<string> {
  if (SHA256.test(text)) return { value: text.toLowerCase() };
  // Perhaps it is the key itself.
  return { problem: 'this is not a SHA-256; write 64 hexadecimal digits' };
}

function readKeyId(text: string): Reading<string> {
  if (KEY_ID.test(text)) return { value: text };
  return { problem: `${quote(text)} is not a key id; write 1 to 256 visible ASCII characters without \`"\` and \`\\\`` };
}

function readDistinguishedName(text: string): Reading<string> {
  if (text.length <= SUBJECT_LENGTH_MAX && DISTINGUISHED_NAME.test(text)) return { value: text };
  return { problem: `${quote(text)} is not a distinguished name; write one such as \`CN=warehouse,O=Example\`` };
}

function readAltName(text: string): Reading<string> {
  if (!ALT_NAME.test(text))
    return { problem: `${quote(text)} is not an alternative name; write \`dns:NAME\`, \`uri:URI\` or \`email:ADDRESS\`` };
  const colon = text.indexOf(':');
  const kind = text.slice(0, colon).toLowerCase();
  const value = text.slice(colon + 1);
  return { value: `${kind}:${kind === 'dns' ? value.toLowerCase() : value}` };
}

function readFingerprint(text: string): Reading<string> {
  if (FINGERPRINT.test(text)) return { value: text.replaceAll(':', '').toLowerCase() };
  return { problem: `${quote(text)} is not the SHA-256 of a certificate; write 64 hexadecimal digits` };
}

function readSubject(text: string): Reading<string> {
  if (text.length <= SUBJECT_LENGTH_MAX && SUBJECT.test(text) && !/@https?:/.test(text))
    return { value: text.replace(/\/$/, '') };
  return { problem: `${quote(text)} names no subject of an issuer; write \`SUBJECT@ISSUER\`, the issuer without \`https://\`` };
}

function readDate(text: string): Reading<number> {
  const ms = DATE_TIME.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(ms)) return { value: ms };
  return { problem: `${quote(text)} is not a date; write one such as \`2027-01-31\` or \`2027-01-31T12:00:00Z\`` };
}

/** Loaded when there is a key: most configurations have none. */
function hashKey(text: string): string {
  return process.getBuiltinModule('node:crypto').hash('sha256', text);
}
