/**
 * Takes the secrets out of what is recorded. In the place of each stands a digest with a key: equal secrets stay equal, and nobody
 * who reads the file can try out what they were. What is redacted is chosen by name and by form; rules only add to that.
 */
import { createHmac } from 'node:crypto';
import { SecretNames, schemeAndCredential, tokenText } from '#http/secret-names.ts';
import type { RecordedFields } from './recorded-exchange.ts';

export interface RedactionRules {
  readonly key: Uint8Array;
  /** In lower case. */
  readonly fields: readonly string[];
  /** Names of parameters of the query, and of forms. */
  readonly parameters: readonly string[];
  /** Places in bodies of JSON, as steps; `*` is any. */
  readonly places: readonly (readonly string[])[];
  /** What tells where a client is goes too. */
  readonly hidesClient: boolean;
}

const clientFields: ReadonlySet<string> = new Set([
  'x-forwarded-for',
  'forwarded',
  'x-real-ip',
  'true-client-ip',
  'cf-connecting-ip',
]);
/** Fields that hold addresses of pages, with their queries. */
const urlFields: ReadonlySet<string> = new Set(['referer', 'location', 'content-location', 'refresh', 'link']);
/** RFC 3986 §3.2.1. */
const userInfo = /\/\/[^/@\s]+@/g;
/** RFC 8288 §3: a field may have several. */
const linkTarget = /<([^<>]*)>/g;
const DIGEST_LENGTH = 16;

export class Redactor {
  readonly rules: RedactionRules;
  readonly #names: SecretNames;
  /** Somebody has named it: any `code` is secret. */
  readonly #hidesCode: boolean;

  constructor(rules: RedactionRules) {
    this.rules = rules;
    this.#names = new SecretNames(rules);
    this.#hidesCode = rules.parameters.some((name) => name.toLowerCase() === 'code');
  }

  digest(secret: string): string {
    return `redacted:${createHmac('sha256', this.rules.key).update(secret).digest('hex').slice(0, DIGEST_LENGTH)}`;
  }

  /** Names in lower case and values, alternating. */
  redactFields(fields: readonly string[]): RecordedFields {
    const redacted: [string, string][] = [];
    for (let i = 0; i < fields.length; i += 2) {
      const name = fields[i]!.toLowerCase();
      redacted.push([name, this.#redactField(name, fields[i + 1]!)]);
    }
    return redacted;
  }

  /** A path with its query, or a whole URL. RFC 6749 §4.2.2: behind `#`, there may be parameters too. */
  redactTarget(target: string, names: readonly string[] = []): string {
    const hash = target.indexOf('#');
    if (hash >= 0)
      return `${this.redactTarget(target.slice(0, hash), names)}#${this.redactParameters(target.slice(hash + 1), names)}`;
    const question = target.indexOf('?');
    if (question < 0) return this.redactText(target);
    return `${this.redactText(target.slice(0, question))}?${this.redactParameters(target.slice(question + 1), names)}`;
  }

  /** Of a query, or of a form. */
  redactParameters(query: string, names: readonly string[] = []): string {
    const pairs = query.split('&');
    // RFC 6749 §4.1.2: whoever has the code of a login has the login. Any other code is something else.
    const isLogin = pairs.some((pair) => pair.startsWith('state=')) && pairs.some((pair) => pair.startsWith('code='));
    const hidesCode = isLogin || this.#hidesCode;
    const redacted = pairs.map((pair) => {
      const equals = pair.indexOf('=');
      if (equals <= 0 || equals === pair.length - 1) return this.redactText(pair);
      const name = decode(pair.slice(0, equals));
      const isSecret = names.includes(name) || (name === 'code' ? hidesCode : this.#names.isParameter(name));
      return isSecret ? `${pair.slice(0, equals + 1)}${this.digest(pair.slice(equals + 1))}` : this.redactText(pair);
    });
    return redacted.join('&');
  }

  /** What looks like a token, and who is named in a URL. */
  redactText(text: string): string {
    const withoutTokens = text.includes('eyJ') ? text.replace(tokenText, (token) => this.digest(token)) : text;
    if (!withoutTokens.includes('@')) return withoutTokens;
    return withoutTokens.replace(userInfo, (found) => `//${this.digest(found.slice(2, -1))}@`);
  }

  isSecretMember(name: string): boolean {
    return this.#names.isMember(name);
  }

  #redactField(name: string, value: string): string {
    if (name === 'cookie')
      return value
        .split(';')
        .map((pair) => this.#redactPair(pair))
        .join(';');
    if (name === 'set-cookie') {
      const [pair = '', ...attributes] = value.split(';');
      return [this.#redactPair(pair), ...attributes].join(';');
    }
    const credential = schemeAndCredential.exec(value);
    if (credential !== null) return `${credential[1]}${credential[2]}${this.digest(credential[3]!)}`;
    const isSecret = this.#names.isField(name) || (this.rules.hidesClient && clientFields.has(name));
    if (isSecret) return this.digest(value);
    if (name === 'link' && value.search(linkTarget) >= 0)
      return this.redactText(value.replace(linkTarget, (_, target: string) => `<${this.redactTarget(target)}>`));
    return urlFields.has(name) ? this.redactTarget(value) : this.redactText(value);
  }

  #redactPair(pair: string): string {
    const equals = pair.indexOf('=');
    return equals < 0 ? this.digest(pair) : `${pair.slice(0, equals + 1)}${this.digest(pair.slice(equals + 1))}`;
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    // It is compared as it is written then.
    return text;
  }
}
