/** Secrets where more people read them than should. */
import type { SecretPlace } from '#config/secret-places.ts';
import { parseTemplate } from '#schema/template.ts';
import type { AuditRule } from './finding.ts';

/** Of them nobody can make the secret. */
const HASH = /^\$(?:scrypt|argon2)/;
/** `x-has-password: yes` tells of a secret, and is none. */
const FLAG = /^(?:yes|no|true|false|on|off|[\d.]+)$/i;

export const secretRules: readonly AuditRule[] = [
  {
    id: 'secret-in-text',
    severity: 'high',
    because: 'whoever reads the file, a copy or its history has the secret',
    mend: 'write `${env:NAME}` or `${file:PATH}`, without a default; of keys of consumers and tokens of operators, the `sha256`',
    find: ({ secrets }) => secrets.filter(isSecret).map(({ path }) => ({ path, what: 'a secret stands in the text' })),
  },
];

function isSecret({ path, text, isGuessed }: SecretPlace): boolean {
  // What a request has to show to be on a route is named like a secret, and decides where it goes.
  const isCondition = path[0] === 'routes' && path[2] === 'match';
  return path.at(-1) !== 'sha256' && !isCondition && !HASH.test(text) && !(isGuessed && isHarmless(text));
}

/** What holds something of the request is not the configuration's own, whatever its name. */
function isHarmless(text: string): boolean {
  const reading = parseTemplate(text);
  return FLAG.test(text) || ('value' in reading && reading.value.parts.some((part) => typeof part === 'object'));
}
