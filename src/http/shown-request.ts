/** What of a request operators may be shown. Everything that may let somebody in is hidden, also where no policy says that it does. */
import { decodeWhole } from './query-parameter.ts';
import type { SecretNames } from './secret-names.ts';

export const HIDDEN = '[redacted]';

/** Fields whose values say nothing about who asks. All others are named without their value. */
const plainNames: ReadonlySet<string> = new Set([
  'accept',
  'accept-charset',
  'accept-encoding',
  'accept-language',
  'access-control-request-headers',
  'access-control-request-method',
  'cache-control',
  'content-encoding',
  'content-language',
  'content-length',
  'content-type',
  'host',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'origin',
  'pragma',
  'prefer',
  'priority',
  'range',
  'sec-fetch-dest',
  'sec-fetch-mode',
  'sec-fetch-site',
  'traceparent',
  'user-agent',
]);

/** Names and values, alternating, as they may be shown. */
export function toShownFields(fields: readonly string[]): [name: string, value: string][] {
  const shown: [string, string][] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    shown.push([name, plainNames.has(name) ? fields[i + 1]! : HIDDEN]);
  }
  return shown;
}

/** The target without the values of secret parameters. */
export function hideSecretParameters(target: string, names: SecretNames): string {
  const question = target.indexOf('?');
  if (question < 0) return target;
  const pairs = target.slice(question + 1).split('&');
  const shown = pairs.map((pair) => {
    const equals = pair.indexOf('=');
    return equals >= 0 && names.isParameter(decodeWhole(pair.slice(0, equals))) ? `${pair.slice(0, equals)}=${HIDDEN}` : pair;
  });
  return `${target.slice(0, question)}?${shown.join('&')}`;
}

/** Values of fields that may let somebody in: whoever shows a text in which they stand hides them. */
export function listSecretValues(fields: readonly string[], names: SecretNames): string[] {
  const values: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    if (!names.isField(fields[i]!)) continue;
    const value = fields[i + 1]!;
    // `Bearer TOKEN` and `name=value; name=value`.
    values.push(value, ...value.split(/[;,=\s]+/));
  }
  return toLongestFirst(values);
}

/** Values of all fields that are not known to be harmless. */
export function listHiddenValues(fields: readonly string[]): string[] {
  return toLongestFirst(fields.filter((_value, i) => i % 2 === 1 && !plainNames.has(fields[i - 1]!)));
}

/** The same for parameters of the query. */
export function listSecretParameters(target: string, names: SecretNames): string[] {
  const question = target.indexOf('?');
  if (question < 0) return [];
  const values = target
    .slice(question + 1)
    .split('&')
    .flatMap((pair) => {
      const equals = pair.indexOf('=');
      if (equals < 0 || !names.isParameter(decodeWhole(pair.slice(0, equals)))) return [];
      const value = pair.slice(equals + 1);
      return [value, decodeWhole(value)];
    });
  return toLongestFirst(values);
}

/** One may be a part of another. Short ones are words that stand everywhere. */
function toLongestFirst(values: readonly string[]): string[] {
  const long = values.filter((value) => value.length >= SECRET_LENGTH_MIN && value !== HIDDEN);
  return long.sort((one, other) => other.length - one.length);
}

const SECRET_LENGTH_MIN = 4;

/** The same value with `[redacted]` wherever one of the secrets stands in a text. */
export function hideSecrets<Value>(value: Value, secrets: readonly string[]): Value {
  return secrets.length === 0 ? value : (hide(value, secrets) as Value);
}

function hide(value: unknown, secrets: readonly string[]): unknown {
  if (typeof value === 'string') return secrets.reduce((text, secret) => text.replaceAll(secret, HIDDEN), value);
  if (Array.isArray(value)) return value.map((item) => hide(item, secrets));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, hide(member, secrets)]));
}
