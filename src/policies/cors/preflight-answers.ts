/** What a browser is told that asks whether a page may send a request. */
import type { Reply } from '#http/response.ts';
import { getField } from '#wire/fields/field-list.ts';
import type { CorsConfig } from './config.ts';

const MS_PER_SECOND = 1_000;
/** Of `access-control-request-headers`: what is longer was not written by a browser. */
const ASKED_LENGTH_MAX = 4_096;
const FIELD_NAMES = /^[!#$%&'*+\-.^_`|~0-9a-zA-Z]+(?:[\t ]*,[\t ]*[!#$%&'*+\-.^_`|~0-9a-zA-Z]+)*$/;

export class PreflightAnswers {
  readonly #fields: readonly string[];
  readonly #reflectsHeaders: boolean;
  readonly #allowsPrivateNetwork: boolean;

  constructor({ methods, headers, maxAge, privateNetwork }: CorsConfig) {
    this.#reflectsHeaders = headers === '*';
    this.#allowsPrivateNetwork = privateNetwork;
    const listed = headers === '*' || headers.length === 0 ? [] : ['access-control-allow-headers', headers.join(', ')];
    this.#fields = [
      'access-control-allow-methods',
      methods.join(', '),
      ...listed,
      'access-control-max-age',
      String(Math.round(maxAge / MS_PER_SECOND)),
      'vary',
      'Access-Control-Request-Method, Access-Control-Request-Headers',
    ];
  }

  /** Whether the origin may ask is said elsewhere; a browser compares method and fields with the lists by itself. */
  answer(asked: readonly string[]): Reply {
    const fields = [...this.#fields];
    // The star would not stand for `authorization`, and for nothing where there are credentials (Fetch §3.3.4).
    const names = this.#reflectsHeaders ? getField(asked, 'access-control-request-headers') : undefined;
    if (names !== undefined && names.length <= ASKED_LENGTH_MAX && FIELD_NAMES.test(names))
      fields.push('access-control-allow-headers', names);
    if (this.#allowsPrivateNetwork && getField(asked, 'access-control-request-private-network') === 'true')
      fields.push('access-control-allow-private-network', 'true');
    return { status: 204, fields, contentLengthBytes: 0, body: undefined };
  }
}
